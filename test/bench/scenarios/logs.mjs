/* What it costs that an app writes a log: processor time of all that is not the app, for 100,000 lines into a file. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FETTLE, NODE, PM2 } from '../contenders.mjs';
import { median, short, table, target, times } from '../numbers.mjs';
import { end, familyOf, freePort, launch, run as finish, until } from '../processes.mjs';

export const name = 'logs';
export const title = 'Writing logs';
const LINES = 100000, REPEATS = 3;

/* Lines of about 100 bytes with console.log, as apps write them: in turns, with other work between. */
const APP = `require('http').createServer((req, res) => {
  let i = 0;
  const some = () => {
    for (let k = 0; k < 100 && i < ${LINES}; k++, i++) console.log(\`\${i} \${'x'.repeat(92)}\`);
    if (i < ${LINES}) setImmediate(some); else res.end('done');
  };
  some();
}).listen(process.env.PORT, '127.0.0.1');\n`;

/* Milliseconds on a CPU of these processes: all threads, to the nanosecond. */
const cpuOf = (pids) => pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/task`)
  .reduce((ns, task) => ns + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]), 0), 0) / 1e6;

async function inFolder(visit) {
  const folder = mkdtempSync(path.join(tmpdir(), 'fettle-bench-logs-'));
  const roots = [];
  writeFileSync(path.join(folder, 'app.js'), APP);
  try {
    return await visit({ folder, app: path.join(folder, 'app.js'), out: path.join(folder, 'out.log'), roots, port: await freePort() });
  } finally {
    await end(roots);
    rmSync(folder, { recursive: true, force: true });
  }
}

/* { cpu_ms: of `others`, for LINES lines; wall_ms } */
async function measured({ port, out, others }) {
  const ask = () => fetch(`http://127.0.0.1:${port}/`).then((r) => r.text());
  const size = () => statSync(out, { throwIfNoEntry: false })?.size ?? 0;
  const rest = async () => { /* until all is in the file */
    for (let before = -1; before !== size();) {
      before = size();
      await new Promise((done) => setTimeout(done, 500));
    }
  };
  await until(() => ask().catch(() => false), 'an answer');
  await rest();
  const list = [];
  for (let i = 0; i < REPEATS; i++) {
    const cpu = cpuOf(others()), from = size(), begun = performance.now();
    await ask();
    const wall_ms = performance.now() - begun;
    await rest();
    if (size() - from < LINES * 90) throw new Error(`only ${size() - from} bytes were written`);
    list.push({ cpu_ms: cpuOf(others()) - cpu, wall_ms });
  }
  return { cpu_ms: median(list.map((r) => r.cpu_ms)), wall_ms: median(list.map((r) => r.wall_ms)) };
}

const isNode = (pid) => /^(node|MainThread)$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim());

const fettle = () => inFolder(async ({ folder, app, out, roots, port }) => {
  const args = ['run', '-w', '1', '--admin', 'off', '--node', NODE, '--log-file', out, '--log-rotate-size', '1G', app];
  const child = launch(FETTLE, args, { log: path.join(folder, 'log'), cwd: folder, env: { PORT: String(port) } });
  roots.push(child.pid);
  return measured({ port, out, others: () => familyOf([child.pid]).filter((pid) => !isNode(pid)) });
});

const pm2 = () => inFolder(async ({ folder, app, out, roots, port }) => {
  const home = path.join(folder, 'home');
  mkdirSync(home);
  const env = { ...process.env, PM2_HOME: home, PATH: `${path.dirname(NODE)}:${process.env.PATH}` };
  const conf = path.join(folder, 'ecosystem.json');
  writeFileSync(conf, JSON.stringify({ apps: [{ name: 'app', script: app, out_file: out, error_file: out, time: true, env: { PORT: String(port) } }] }));
  try {
    await finish(NODE, [PM2, 'start', conf], { cwd: folder, env });
    const daemon = Number(readFileSync(path.join(home, 'pm2.pid'), 'utf8'));
    roots.push(daemon);
    return await measured({ port, out, others: () => [daemon] });
  } finally {
    await finish(NODE, [PM2, 'kill'], { cwd: folder, env }).catch(() => {});
  }
});

export async function run(ctx) {
  const rounds = [];
  for (let round = 0; round < ctx.rounds; round++) {
    rounds.push({ fettle: await fettle(), pm2: await pm2() });
    const r = rounds.at(-1);
    ctx.log(`round ${round + 1}: fettle ${short(r.fettle.cpu_ms)} ms, pm2 ${short(r.pm2.cpu_ms)} ms for ${LINES} lines`);
  }
  return { rounds };
}

const of = (rounds, who, what) => median(rounds.map((r) => r[who][what]));
const ratio = (rounds) => of(rounds, 'fettle', 'cpu_ms') / of(rounds, 'pm2', 'cpu_ms');

export const targets = ({ rounds }) => [
  target('processor time for 100,000 lines of a log, of pm2’s', '≤ 0.2', ratio(rounds), (n) => n <= 0.2, (n) => `${n.toFixed(3)} ×`),
];

export const render = ({ rounds }) => `
An app with one process writes ${LINES.toLocaleString('en')} lines of 100 bytes with \`console.log\`, into a log file with a time in front of each: fettle's \`log-file\`, pm2's
\`out_file\` with \`time\`. The processor time is that of all that is not the app: supervisor and proxy, and pm2's daemon. Medians of ${REPEATS} times a round.

${table(['', 'processor time', 'of pm2’s', 'until the app had written them'], [
    ['pm2', `${short(of(rounds, 'pm2', 'cpu_ms'))} ms`, '', `${short(of(rounds, 'pm2', 'wall_ms'))} ms`],
    ['fettle', `${short(of(rounds, 'fettle', 'cpu_ms'))} ms`, times(ratio(rounds)), `${short(of(rounds, 'fettle', 'wall_ms'))} ms`],
  ])}
`;
