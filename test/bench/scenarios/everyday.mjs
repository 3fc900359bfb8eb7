/* What one does all day: start an app, look at ten of them; and what all that takes besides the apps. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FETTLE, NODE, PM2 } from '../contenders.mjs';
import { mb, median, short, table, target, times } from '../numbers.mjs';
import { end, familyOf, freePort, launch, memoryOf, run as finish, until } from '../processes.mjs';

export const name = 'everyday';
export const title = 'Starting apps and looking at them';
const APPS = 10, LOOKS = 15, POLL_MS = 1;
const APP = `require('http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '127.0.0.1');\n`;

/** Milliseconds until a connection to the port is answered. */
async function answered(port, begun) {
  const once = () => new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
    socket.once('data', () => { socket.destroy(); done(true); });
    socket.once('error', () => done(false));
    socket.once('end', () => done(false));
  });
  while (!await once()) {
    if (performance.now() - begun > 30000) throw new Error(`nobody answers on port ${port}`);
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
  return performance.now() - begun;
}

/** Wall time of a command, milliseconds. */
function took(command, args, options) {
  const begun = performance.now();
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
    child.on('error', fail);
    child.on('exit', (code) => (code === 0 ? done(performance.now() - begun) : fail(new Error(`${command} ${args.join(' ')}: exit code ${code}`))));
  });
}

async function looks(command, args, options) {
  const list = [];
  for (let i = 0; i < LOOKS; i++) list.push(await took(command, args, options));
  return median(list);
}

/* Each in a folder of its own; `start` from nothing that runs. */
async function inFolder(visit) {
  const folder = mkdtempSync(path.join(tmpdir(), 'fettle-bench-everyday-'));
  writeFileSync(path.join(folder, 'app.js'), APP);
  const roots = [];
  try {
    return await visit({ folder, app: path.join(folder, 'app.js'), log: path.join(folder, 'log'), roots });
  } finally {
    await end(roots);
    rmSync(folder, { recursive: true, force: true });
  }
}

const startOf = (command, args) => inFolder(async ({ folder, app, log, roots }) => {
  const port = await freePort();
  const begun = performance.now();
  roots.push(launch(command, args(app), { log, cwd: folder, env: { PORT: String(port) } }).pid);
  return answered(port, begun);
});

const ports = () => Promise.all(Array.from({ length: APPS }, freePort));
const nameOf = (i) => `app${i}`;

async function fettle() {
  return inFolder(async ({ folder, app, log, roots }) => {
    const list = await ports();
    const runtime = path.join(folder, 'run');
    mkdirSync(runtime, { mode: 0o700 });
    const env = { XDG_RUNTIME_DIR: runtime };
    const apps = Object.fromEntries(list.map((port, i) => [nameOf(i), { run: app, workers: 1, env: { PORT: String(port) } }]));
    writeFileSync(path.join(folder, 'fettle.json'), JSON.stringify({ admin: `127.0.0.1:${await freePort()}`, node: NODE, apps }));
    const child = launch(FETTLE, ['run'], { log, cwd: folder, env });
    roots.push(child.pid);
    await Promise.all(list.map((port) => answered(port, performance.now())));
    await new Promise((done) => setTimeout(done, 2000));
    const others = familyOf([child.pid]).filter((pid) => !/^(node|MainThread)$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim()));
    return { ps_ms: await looks(FETTLE, ['ps'], { env: { ...process.env, ...env } }), memory: memoryOf(others) };
  });
}

async function pm2() {
  return inFolder(async ({ folder, app, roots }) => {
    const list = await ports();
    const home = path.join(folder, 'home');
    const env = { ...process.env, PM2_HOME: home, PATH: `${path.dirname(NODE)}:${process.env.PATH}` };
    const conf = path.join(folder, 'ecosystem.json');
    writeFileSync(conf, JSON.stringify({ apps: list.map((port, i) => ({ name: nameOf(i), script: app, env: { PORT: String(port) } })) }));
    const say = (...args) => finish(NODE, [PM2, ...args], { cwd: folder, env });
    try {
      await say('ping'); /* its daemon runs already, which suits it best */
      const daemon = Number(readFileSync(path.join(home, 'pm2.pid'), 'utf8'));
      roots.push(daemon);
      const port = await freePort();
      const begun = performance.now();
      const [start_ms] = await Promise.all([answered(port, begun), finish(NODE, [PM2, 'start', app, '--name', 'first'], { cwd: folder, env: { ...env, PORT: String(port) } })]);
      await say('delete', 'first');
      await say('start', conf);
      await Promise.all(list.map((p) => answered(p, performance.now())));
      await new Promise((done) => setTimeout(done, 2000));
      return { start_ms, ps_ms: await looks(NODE, [PM2, 'ls'], { env }), memory: memoryOf([daemon]) };
    } finally {
      await say('kill').catch(() => {});
    }
  });
}

export async function run(ctx) {
  const rounds = [];
  for (let round = 0; round < ctx.rounds; round++) {
    const starts = { node: [], fettle: [] };
    for (let i = 0; i < LOOKS; i++) {
      starts.node.push(await startOf(NODE, (app) => [app]));
      starts.fettle.push(await startOf(FETTLE, (app) => ['run', '-w', '1', '--admin', 'off', '--node', NODE, app]));
    }
    rounds.push({ node: { start_ms: median(starts.node) }, fettle: { start_ms: median(starts.fettle), ...await fettle() }, pm2: await pm2() });
    const r = rounds.at(-1);
    ctx.log(`round ${round + 1}: start node ${short(r.node.start_ms)}, fettle ${short(r.fettle.start_ms)}, pm2 ${short(r.pm2.start_ms)} ms; ps ${short(r.fettle.ps_ms)} and ${short(r.pm2.ps_ms)} ms`);
  }
  return { rounds };
}

const of = (rounds, who, get) => median(rounds.map((r) => get(r[who])));
const start = (r) => r.start_ms, ps = (r) => r.ps_ms, rss = (r) => r.memory.rss, pss = (r) => r.memory.pss;

export const targets = ({ rounds }) => [
  target('`fettle ps` of ten apps, milliseconds', '≤ 20', of(rounds, 'fettle', ps), (n) => n <= 20),
  target('start of an app to its first answer, milliseconds over Node’s own', '≤ 20', of(rounds, 'fettle', start) - of(rounds, 'node', start), (n) => n <= 20),
  target('all that is fettle’s, for ten apps', '≤ 20 MB', of(rounds, 'fettle', rss), (n) => n <= 20e6, mb),
];

export const render = ({ rounds }) => `
An app that answers at once, started until its first answer (pm2's daemon runs already; the median of ${LOOKS} starts, of pm2 one a round); ten such apps with one
process each, a list of them (\`fettle ps\`, \`pm2 ls\`), and the memory of what is not theirs: supervisor, proxy and monitor, and pm2's daemon.

${table(['', 'start', 'list', 'fettle’s list takes', 'memory for ten apps, resident', 'proportional'], [
    ['node', `${short(of(rounds, 'node', start))} ms`, '–', '', '–', '–'],
    ['pm2', `${short(of(rounds, 'pm2', start))} ms`, `${short(of(rounds, 'pm2', ps))} ms`, times(of(rounds, 'fettle', ps) / of(rounds, 'pm2', ps)), mb(of(rounds, 'pm2', rss)), mb(of(rounds, 'pm2', pss))],
    ['fettle', `${short(of(rounds, 'fettle', start))} ms`, `${short(of(rounds, 'fettle', ps))} ms`, '', mb(of(rounds, 'fettle', rss)), mb(of(rounds, 'fettle', pss))],
  ])}
`;
