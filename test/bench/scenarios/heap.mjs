/* Heap snapshots read to the end: fettle, Chrome DevTools' own worker and memlab, on the same files.
 *
 *   HEAP_FILES=20,leaks    these files (20,130,180,700), by their size in MB, and the leak report of three; `all` has those of 1.4 and 1.8 GB too,
 *                          which are made in five minutes and take as long again, with 10 GB of memory */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { FETTLE, ROOT } from '../contenders.mjs';
import { mb, median, short, table, target, times } from '../numbers.mjs';
import { run as finish } from '../processes.mjs';
import { FILES, generated } from '../../heap/generate.mjs';
import { bundle } from '../../heap/bundle.mjs';

export const name = 'heap';
export const title = 'Reading heap snapshots';
const USAGE = path.join(ROOT, 'build/test/bench/usage');
const NODE = [path.join(ROOT, 'build/nodes/24/node'), '--max-old-space-size=16000'];
const MEMLAB = [...NODE, path.join(ROOT, 'test/bench/heap/memlab.mjs')];
const LABELS = { fettle: 'fettle', devtools: 'DevTools', memlab: 'memlab' };
const READERS = {
  fettle: (file) => [FETTLE, 'heap', 'summary', '--json', file],
  devtools: (file) => [...NODE, path.join(ROOT, 'test/heap/devtools.mjs'), file],
  memlab: (file) => [...MEMLAB, 'load', file],
};
const LEAKS = {
  fettle: (files) => [FETTLE, 'heap', 'leaks', '--json', ...files],
  memlab: (files) => [...MEMLAB, 'leaks', ...files],
};
const USUAL = '20,130,180,700,leaks';
/* Of which files. */
const LEAKS_MB = 20;
/* From this size on, the others are asked once. */
const ONCE_MB = 1000;

function wanted(text = USUAL) {
  const there = [...Object.keys(FILES), 'leaks'], sizes = text === 'all' ? there : text.split(',');
  const unknown = sizes.find((size) => !there.includes(size));
  if (unknown) throw new Error(`HEAP_FILES: there is no "${unknown}"; there are: ${there.join(', ')}`);
  return sizes;
}

async function usageOf(command) {
  const usage = JSON.parse((await finish(USAGE, command, { cwd: ROOT })).out);
  if (usage.status) throw new Error(`${command.join(' ')}: exit code ${usage.status}`);
  return usage;
}

/* Seconds to read a file and do nothing with it: the kernel's copy into one buffer. */
function readingOf(file) {
  const buffer = Buffer.allocUnsafe(1 << 20), fd = openSync(file, 'r'), begun = performance.now();
  while (readSync(fd, buffer, 0, buffer.length, null) > 0);
  closeSync(fd);
  return (performance.now() - begun) / 1000;
}

/* { WHO: [usage] }: in turns, each round from another one on. */
async function inTurns(log, commands, rounds, once = []) {
  const names = Object.keys(commands);
  const results = Object.fromEntries(names.map((who) => [who, []]));
  for (let round = 0; round < rounds; round++)
    for (let i = 0; i < names.length; i++) {
      const who = names[(i + round) % names.length];
      if (round && once.includes(who)) continue;
      results[who].push(await usageOf(commands[who]));
    }
  log(`  ${names.map((who) => `${who} ${short(of(results[who], 'wall_s'))} s, ${mb(of(results[who], 'peak_bytes'))}`).join('; ')}`);
  return results;
}

const commandsFor = (makers, what) => Object.fromEntries(Object.entries(makers).map(([who, make]) => [who, make(what)]));

async function fileOf(size, { log, rounds }) {
  const [file] = generated(size, log);
  readingOf(file); /* from here on, it is in the page cache */
  log(`${size} MB, ${FILES[size].of}`);
  const once = size >= ONCE_MB ? ['devtools', 'memlab'] : [];
  return { bytes: statSync(file).size, reading_s: readingOf(file), by: await inTurns(log, commandsFor(READERS, file), rounds, once) };
}

function leaksOf({ log, rounds }) {
  const files = generated(LEAKS_MB, log);
  log('leaks in three snapshots');
  return inTurns(log, commandsFor(LEAKS, files), rounds);
}

/* Files that are not measured again stay as they were. */
export async function run({ before = {}, ...ctx }) {
  await bundle();
  const data = { ...before, files: { ...before.files } };
  for (const what of wanted(process.env.HEAP_FILES)) {
    if (what === 'leaks') data.leaks = await leaksOf(ctx);
    else data.files[what] = await fileOf(what, ctx);
  }
  return data;
}

const of = (list = [], what) => median(list.map((usage) => usage[what]));
const wall = ({ by }, who) => of(by[who], 'wall_s');
const peak = ({ by }, who) => of(by[who], 'peak_bytes');
const seconds = (s) => `${s.toFixed(s < 1 ? 3 : 1)} s`;

export function targets({ files = {}, leaks }) {
  const all = Object.values(files), big = all.filter(({ bytes }) => bytes >= 100e6);
  const least = (list, ratio) => (list.length ? Math.min(...list.map(ratio)) : undefined);
  const most = (list, ratio) => (list.length ? Math.max(...list.map(ratio)) : undefined);
  return [
    target('snapshots from 100 MB, times faster than DevTools, the least', '≥ 8', least(big, (f) => wall(f, 'devtools') / wall(f, 'fettle')), (n) => n >= 8, times),
    target('the same, of a snapshot of 20 MB', '≤ 0.06 s', files[20] && wall(files[20], 'fettle'), (n) => n <= 0.06, seconds),
    target('peak memory, of the file’s size, the most from 100 MB', '≤ 0.75', most(big, (f) => peak(f, 'fettle') / f.bytes), (n) => n <= 0.75, times),
    target('leak report of three snapshots of 20 MB', '≤ 0.25 s', leaks && of(leaks.fettle, 'wall_s'), (n) => n <= 0.25, seconds),
  ];
}

const cpu = ({ by }, who) => median((by[who] ?? []).map(({ user_s, system_s }) => user_s + system_s));
const cells = (f, who) => [seconds(wall(f, who)), times(wall(f, who) / wall(f, 'fettle')), seconds(cpu(f, who)), mb(peak(f, who)), times(peak(f, who) / f.bytes), String(f.by[who]?.length ?? 0)];

export const render = ({ files = {}, leaks = {} }) => `
Whole processes, from the start to the end: the file is read, dominators, retained sizes, classes and statistics are computed, and are the same as DevTools'
(memlab's follow rules of its own). DevTools is its own worker with its second thread, from the npm package \`chrome-devtools-frontend\`, bundled for Node 24;
memlab is \`@memlab/api\`'s \`getFullHeapFromFile\`. Files are in the page cache. Peak memory is the most that was resident at a time. Those of 1.4 and 1.8 GB:
\`make bench ONLY=heap HEAP_FILES=all\`; DevTools and memlab are asked once for these.

${table(['snapshot', 'who', 'time', 'of fettle’s', 'processor time', 'peak memory', 'of the file', 'rounds'], Object.entries(files).flatMap(([size, f]) => Object.keys(LABELS).map((who) =>
    [`${FILES[size]?.of ?? size}, ${mb(f.bytes)}`, LABELS[who], ...cells(f, who)])))}

How near that is to what the machine's memory allows: the time for reading the file alone, in pieces, without looking at it.

${table(['snapshot', 'read only', 'fettle', 'fettle, MB a second'], Object.entries(files).map(([size, f]) =>
    [`${FILES[size]?.of ?? size}, ${mb(f.bytes)}`, seconds(f.reading_s), seconds(wall(f, 'fettle')), short(f.bytes / 1e6 / wall(f, 'fettle'))]))}

Leaks named from three snapshots of the Express app (\`fettle heap leaks\`, memlab's \`findLeaksBySnapshotFilePaths\`):

${table(['', 'time', 'peak memory'], Object.entries(leaks).map(([who, list]) => [LABELS[who], seconds(of(list, 'wall_s')), mb(of(list, 'peak_bytes'))]))}
`;
