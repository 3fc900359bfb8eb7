/* What workers share (doc/module.md) beside the peers that each worker has for itself: the same work, one process each, taking turns. */
import { fork } from 'node:child_process';
import path from 'node:path';
import { ROOT } from '../contenders.mjs';
import { count, median, short, table, target, times } from '../numbers.mjs';
import { run as finish } from '../processes.mjs';

export const name = 'shared';
export const title = 'What workers share';
const NODE = path.join(ROOT, 'build/nodes/24/node');
const PROGRAM = path.join(ROOT, 'test/bench/shared/contender.cjs');
const CACHES = ['lru-cache', 'node-cache', 'fettle'];
const LIMITERS = ['express-rate-limit', 'fettle'];
const WORKERS = 4;
const WORK = { get100: 'strings of 100 B', get1k: 'strings of 1 KB', object: 'objects of 80 B of JSON' };

const one = async (who, what) => JSON.parse((await finish(NODE, ['--expose-gc', PROGRAM, who, what], { cwd: ROOT })).out);

/* What four processes have more of memory, each with 100,000 values; pages that several have count once. */
async function memoryOf(who) {
  const children = Array.from({ length: WORKERS }, (_, i) => fork(PROGRAM, [who, 'memory'], {
    execPath: NODE, execArgv: ['--expose-gc'], cwd: ROOT,
    env: { ...process.env, FILLS: i === 0 ? '1' : '', ...(who === 'fettle' && { FETTLE_SHARE: `bench-${process.pid}` }) },
  }));
  const next = () => Promise.all(children.map((child) => new Promise((done, fail) => {
    child.once('message', done);
    child.once('exit', () => fail(new Error(`${who}: a process has ended`)));
  })));
  await next();
  let answers = next();
  for (const child of children) child.send('read');
  await answers;
  answers = next();
  for (const child of children) child.send('tell');
  return (await answers).reduce((sum, { bytes }) => sum + bytes, 0);
}

export async function run({ rounds, log }) {
  const data = { speed: {}, limit: {}, gc: {}, memory: {} };
  for (let round = 0; round < rounds; round++) {
    for (const who of CACHES) {
      for (const what of Object.keys(WORK)) ((data.speed[what] ??= {})[who] ??= []).push(await one(who, what));
      (data.gc[who] ??= []).push((await one(who, 'gc')).ms);
    }
    for (const who of LIMITERS) (data.limit[who] ??= []).push((await one(who, 'limit')).ns);
    log(`  round ${round + 1}`);
  }
  for (const who of CACHES) data.memory[who] = await memoryOf(who);
  return data;
}

const of = (list, what) => median((list ?? []).map((seen) => seen[what]));
const rate = (n) => `${n.toFixed(1)} M/s`;

export const targets = ({ speed, limit, gc, memory }) => [
  target('get of strings of 100 B from the cache of all workers', '≥ 5 M/s', of(speed.get100?.fettle, 'get'), (n) => n >= 5, rate),
  target('… of 1 KB', '≥ 3 M/s', of(speed.get1k?.fettle, 'get'), (n) => n >= 3, rate),
  target('… of objects', '≥ 8 M/s', of(speed.object?.fettle, 'get'), (n) => n >= 8, rate),
  target('memory of 4 workers with 100,000 × 1 KB', '≤ 160 MB', memory.fettle && memory.fettle / 1e6, (n) => n <= 160, (n) => `${count(n)} MB`),
  target('a full collection beside 1,000,000 entries', '≤ 10 ms', median(gc.fettle ?? []), (n) => n <= 10, (n) => `${short(n)} ms`),
  target('a decision of the limiter', '≤ 300 ns', median(limit.fettle ?? []), (n) => n <= 300, (n) => `${count(n)} ns`),
];

export const render = ({ speed, limit, gc, memory }) => `
The cache and the counts of the npm package are one for all workers; the peers' are each worker's own. 100,000 keys, asked for by Zipf's law (exponent 1), time to live
of an hour; one process on Node 24, the best quarter of a second of four, medians of the rounds. node-cache with \`useClones: false\`. A string that fettle gives is made anew from shared memory unless it is asked
for often; lru-cache and node-cache give the one that was set.

${table(['', ...CACHES.flatMap((who) => [`${who} get, M/s`, 'set, M/s'])], Object.entries(WORK).map(([what, label]) =>
    [label, ...CACHES.flatMap((who) => [short(of(speed[what]?.[who], 'get')), short(of(speed[what]?.[who], 'set'))])]))}

Memory is what ${WORKERS} processes have more of it with 100,000 values of 1 KB in each cache (PSS: shared pages count once), after each has read all of them. The collection is a forced full one, with 1,000,000 small entries.

${table(['', 'memory of 4 workers, MB', 'of fettle’s', 'full collection, ms'], CACHES.map((who) =>
    [who, count(memory[who] / 1e6), times(memory[who] / memory.fettle), short(median(gc[who] ?? []))]))}

${table(['a decision', 'ns'], LIMITERS.map((who) => [who === 'fettle' ? 'fettle, counted for all workers' : `${who}, memory store, each worker for itself`, count(median(limit[who] ?? []))]))}
`;
