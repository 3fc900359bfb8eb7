/* Blocks of the event loop: how soon the stack of what runs is there, beside blocked-at; and what watching for them costs.
 *
 * When a block began is what the app says, when the stack was there what the monitor says: both by CLOCK_MONOTONIC, and nobody polls for it. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FETTLE, NODE, ROOT } from '../contenders.mjs';
import { median, short, table, target } from '../numbers.mjs';
import { alive, end, freePort, launch, run as finish, until } from '../processes.mjs';

export const name = 'block';
export const title = 'Blocks of the event loop';
const APP = path.join(ROOT, 'test/bench/apps/blocks.js');
const KINDS = ['loop', 'json', 'files', 'regexp'], EACH = 15;
const LIMIT_MS = 30, BLOCK_MS = 120, COST_MS = 100;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function told(port, at) {
  const answer = await fetch(`http://127.0.0.1:${port}${at}`);
  if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/* CPU time of all threads of a process, ms. */
const cpuOf = (pid) => readdirSync(`/proc/${pid}/task`)
  .reduce((ns, task) => ns + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e6;

/* The process of fettle's own that has this role. */
function ownProcess(roots, role) {
  for (const name of readdirSync('/proc')) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1'), parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (roots.includes(parent) && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(role)) return Number(name);
    } catch { /* it has ended, or is none */ }
  }
  return null;
}

async function withFettle(args, visit) {
  const folder = mkdtempSync(path.join(tmpdir(), 'fettle-bench-block-'));
  const port = await freePort(), admin = await freePort();
  const child = launch(FETTLE, ['run', '-w', '1', '-p', String(port), '--node', NODE, '--admin', `127.0.0.1:${admin}`, ...args, APP],
    { env: { PORT: String(port), FETTLE_RUNTIME_DIR: folder }, cwd: ROOT, log: path.join(folder, 'log') });
  try {
    await until(() => fetch(`http://127.0.0.1:${port}/`).then((r) => r.ok, () => false), 'the app');
    return await visit({ port, admin, pid: child.pid });
  } finally {
    await end(alive(child.pid) ? [child.pid] : []);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long after the onset of each block the monitor had its stack, ms; `missing`: blocks that had none. */
async function soonOfFettle(ctx) {
  return withFettle(['--block', `${LIMIT_MS}ms`], async ({ port, admin }) => {
    const soon = [];
    let missing = 0, seen = 0n;
    for (let i = 0; i < KINDS.length * EACH; i++) {
      await sleep(7 * (i % 11)); /* the monitor's looks at an idle loop are not to keep step with us */
      const { at, end: ended } = await told(port, `/block/${KINDS[i % KINDS.length]}/${BLOCK_MS}`);
      const found = await until(async () => (await told(admin, '/api/findings')).findings.find(({ stack_at_ns: ns, last_ms: last, kind }) =>
        kind.startsWith('blocked-loop/') && (ns === null ? last > Number(seen) : BigInt(ns) > BigInt(at) && BigInt(ns) > seen)), 'a finding', 5).catch(() => null);
      const ms = found?.stack_at_ns ? Number(BigInt(found.stack_at_ns) - BigInt(at)) / 1e6 : null;
      if (ms === null || BigInt(found.stack_at_ns) > BigInt(ended)) missing++;
      if (ms !== null) soon.push({ kind: KINDS[i % KINDS.length], ms });
      seen = found?.stack_at_ns ? BigInt(found.stack_at_ns) : seen;
    }
    ctx.log(`  fettle: ${soon.length} stacks, ${missing} missing or after the block`);
    return { soon, missing };
  });
}

async function soonOfBlockedAt(ctx) {
  const folder = mkdtempSync(path.join(tmpdir(), 'fettle-bench-blocked-at-')), port = await freePort();
  const child = launch(NODE, [APP], { env: { PORT: String(port), BLOCKED_AT: String(LIMIT_MS) }, cwd: ROOT, log: path.join(folder, 'log') });
  const soon = [];
  let missing = 0;
  try {
    await until(() => fetch(`http://127.0.0.1:${port}/`).then((r) => r.ok, () => false), 'the app');
    for (let i = 0; i < KINDS.length * EACH; i++) {
      const { at } = await told(port, `/block/${KINDS[i % KINDS.length]}/${BLOCK_MS}`);
      const report = await until(() => told(port, '/blocked-at'), 'its report', 2).catch(() => null);
      if (report) soon.push({ kind: KINDS[i % KINDS.length], ms: Number(BigInt(report.at) - BigInt(at)) / 1e6, line: report.stack.some((line) => line.includes('blocks.js')) });
      else missing++;
    }
  } finally {
    await end([child.pid]);
    rmSync(folder, { recursive: true, force: true });
  }
  ctx.log(`  blocked-at: ${soon.length} reports`);
  return { soon, missing, named: soon.filter(({ line }) => line).length };
}

/* Of one CPU: what the monitor takes with and without watching. */
async function costOf(ctx, block) {
  return withFettle(['--block', block], async ({ port, pid }) => {
    const monitor = await until(() => ownProcess([pid], 'monitor'), 'the monitor');
    const share = async (act) => {
      const before = cpuOf(monitor), begun = performance.now();
      await act();
      return (cpuOf(monitor) - before) / (performance.now() - begun);
    };
    await sleep(1000);
    const idle = await share(() => sleep(ctx.seconds * 1000));
    const busy = await share(() => finish(FETTLE, ['bench', '--json', '-c', '16', '-d', `${ctx.seconds}s`, `http://127.0.0.1:${port}/`]));
    ctx.log(`  --block ${block}: the monitor takes ${(idle * 100).toFixed(2)} % idle, ${(busy * 100).toFixed(2)} % under load`);
    return { idle, busy };
  });
}

export async function run(ctx) {
  const fettle = await soonOfFettle(ctx);
  const blockedAt = await soonOfBlockedAt(ctx);
  const cost = {};
  for (const block of ['off', `${COST_MS}ms`, `${LIMIT_MS}ms`]) cost[block] = await costOf(ctx, block);
  return { fettle, 'blocked-at': blockedAt, cost };
}

const sorted = ({ soon }) => soon.map(({ ms }) => ms).sort((a, b) => a - b);
const at = (list, q) => list[Math.min(list.length - 1, Math.floor(list.length * q))];
const percent = (share) => `${(share * 100).toFixed(2)} %`;

export const targets = ({ fettle, cost }) => [
  target(`the stack of a blocked loop, after its onset, --block ${LIMIT_MS}ms: p50`, '≤ 50 ms', median(sorted(fettle)), (ms) => ms <= 50, (ms) => `${ms.toFixed(1)} ms`),
  target('the same: p90', '≤ 50 ms', at(sorted(fettle), 0.9), (ms) => ms <= 50, (ms) => `${ms.toFixed(1)} ms`),
  target('the monitor’s CPU, all it does, an idle app', '≤ 1 % of one', cost[`${COST_MS}ms`].idle, (share) => share <= 0.01, percent),
  target('the same, hello-world of Express at full speed', '≤ 1 % of one', cost[`${COST_MS}ms`].busy, (share) => share <= 0.01, percent),
];

const row = (label, one) => {
  const list = sorted(one);
  return [label, list.length, one.missing, ...[list[0], median(list), at(list, 0.9), list.at(-1)].map((ms) => short(ms))];
};

export const render = ({ fettle, 'blocked-at': blockedAt, cost }) => `
Each route of an Express app keeps the event loop for ${BLOCK_MS} ms: a loop, JSON, \`statSync\`, a regular expression, in turns. The app tells when it began, fettle's monitor when it had the stack
(\`stack_at_ns\` in \`/api/findings\`); both by CLOCK_MONOTONIC. blocked-at reports when the block is over; the file that blocks was in ${blockedAt.named} of its ${blockedAt.soon.length} stacks.

${table([`ms after the onset, limit ${LIMIT_MS} ms`, 'stacks', 'none, or after the block', 'min', 'p50', 'p90', 'max'], [row('fettle', fettle),
    ...KINDS.map((kind) => row(`… ${kind}`, { soon: fettle.soon.filter((one) => one.kind === kind), missing: '' })), row('blocked-at', { ...blockedAt, missing: blockedAt.soon.length + blockedAt.missing })])}

All that the monitor does, in CPU of one: once a second it reads each process's figures from /proc.

${table(['', 'idle', 'under load'], Object.entries(cost).map(([block, { idle, busy }]) => [`\`--block ${block}\``, percent(idle), percent(busy)]))}
`;
