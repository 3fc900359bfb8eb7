/* CPU profiles: read to the end by fettle, DevTools' model and speedscope; and what recording one costs the app.
 *
 *   CPU_FILES=100,1000,recording    files of so many MB, and the cost of recording */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { APP, FETTLE, ROOT } from '../contenders.mjs';
import { asRatio, mb, median, short, table, target, times } from '../numbers.mjs';
import { end, freePort, launch, run as finish, until } from '../processes.mjs';
import { generated } from '../../profile/generate.mjs';
import { bundle } from '../../heap/bundle.mjs';

export const name = 'cpu';
export const title = 'CPU profiles';
const USAGE = path.join(ROOT, 'build/test/bench/usage');
const NODE = [path.join(ROOT, 'build/nodes/24/node'), '--max-old-space-size=16000'];
const USUAL = '100,1000,recording';
/* From this size on, V8 can make no string of a file, and the others cannot read it. */
const FETTLE_ONLY_MB = 500;
const WINDOW_S = 3;
const READERS = {
  fettle: (file) => [FETTLE, 'cpu', 'report', '--no-source-maps', file],
  devtools: (file) => [...NODE, path.join(ROOT, 'test/profile/devtools.mjs'), '--quiet', file],
};
const LABELS = { fettle: 'fettle cpu report', devtools: 'DevTools’ model', speedscope: 'speedscope’s import' };

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

const speedscopeOf = async (file) =>
  ({ wall_s: JSON.parse((await finish(NODE[0], [path.join(ROOT, 'test/bench/cpu/speedscope.mjs'), file])).out).import_s });

async function fileOf(size, { log, rounds }) {
  const file = generated(size, log);
  readingOf(file); /* from here on, it is in the page cache */
  const by = { fettle: [], devtools: [], speedscope: [] };
  for (let round = 0; round < rounds; round++)
    for (const who of Object.keys(by)) {
      if (who !== 'fettle' && size >= FETTLE_ONLY_MB) continue;
      by[who].push(who === 'speedscope' ? await speedscopeOf(file) : await usageOf(READERS[who](file)));
    }
  log(`  ${size} MB: ${Object.keys(by).filter((who) => by[who].length).map((who) => `${who} ${short(wall(by, who))} s`).join('; ')}`);
  return { bytes: statSync(file).size, reading_s: readingOf(file), by };
}

/* Their mean, of logarithms: which of the two comes first changes from pair to pair, and evens out in it. */
const meanRatio = (pairs) => Math.exp(pairs.reduce((sum, { recorded, plain }) => sum + Math.log(recorded / plain), 0) / pairs.length);

/* Requests a second that one worker serves, with and without its profile being recorded, in turns; and how soon after the recording's end
 * its flame graph is there. */
async function recordingOf({ folder, log, rounds, work }) {
  const port = await freePort(), env = { ...process.env, FETTLE_RUNTIME_DIR: folder, XDG_RUNTIME_DIR: folder };
  const app = launch(FETTLE, ['run', '--name', 'shop', '-w', '1', '--admin', 'off', APP], { env: { ...env, PORT: String(port), BENCH_WORK: String(work) }, cwd: ROOT, log: path.join(folder, 'cpu.log') });
  const load = async (seconds) => JSON.parse((await finish(FETTLE, ['bench', '--json', '-c', '16', '-d', `${seconds}s`, `http://127.0.0.1:${port}/json`])).out).rate;
  const file = path.join(folder, 'shop.cpuprofile');
  const pairs = [], flame_s = [];
  try {
    await until(() => fetch(`http://127.0.0.1:${port}/json`).then((r) => r.ok, () => false), 'the app');
    await load(3);
    for (let round = 0; round < rounds * 2; round++) {
      const pair = {};
      for (const how of round % 2 ? ['recorded', 'plain'] : ['plain', 'recorded']) {
        const begun = performance.now();
        const recording = how === 'recorded' && finish(FETTLE, ['cpu', 'record', 'shop/1', '--seconds', String(WINDOW_S + 1), '-o', file, '--json'], { env });
        pair[how] = await load(WINDOW_S);
        if (!recording) continue;
        await recording;
        await finish(FETTLE, ['cpu', 'flame', file, '-o', path.join(folder, 'flame.html')]);
        flame_s.push((performance.now() - begun) / 1000 - WINDOW_S - 1);
      }
      pairs.push(pair);
    }
  } finally {
    await end([app.pid]);
  }
  const kept = meanRatio(pairs);
  log(`  while recorded: ${asRatio(kept)} of the throughput; flame graph after ${short(median(flame_s))} s`);
  return { pairs, kept, flame_s };
}

/* Files that are not measured again stay as they were. */
export async function run({ before = {}, ...ctx }) {
  await bundle('cpu');
  const data = { ...before, files: { ...before.files } };
  for (const what of (process.env.CPU_FILES || USUAL).split(',')) {
    if (what === 'recording') data.recording = await recordingOf(ctx);
    else data.files[what] = await fileOf(Number(what), ctx);
  }
  return data;
}

const wall = (by, who) => median((by[who] ?? []).map((usage) => usage.wall_s));
const peak = (by) => median(by.fettle.map((usage) => usage.peak_bytes));
const percent = (n) => `${(n * 100).toFixed(1)} %`;
const seconds = (s) => (s === undefined ? '–' : `${s.toFixed(s < 10 ? 2 : 1)} s`);
const rate = ({ bytes, by }) => bytes / 1e9 / wall(by, 'fettle');

export function targets({ files = {}, recording }) {
  const of = (who) => files[100]?.by[who]?.length ? wall(files[100].by, who) / wall(files[100].by, 'fettle') : undefined;
  return [
    target('a CPU profile of 100 MB, times faster than DevTools’ model', '≥ 10', of('devtools'), (n) => n >= 10, times),
    target('… than speedscope’s import', '≥ 10', of('speedscope'), (n) => n >= 10, times),
    target('throughput lost while a CPU profile is recorded', '≤ 3 %', recording && 1 - recording.kept, (n) => n <= 0.03, percent),
    target('from the recording’s end to the flame graph', '≤ 1 s', recording && median(recording.flame_s), (n) => n <= 1, seconds),
  ];
}

export const render = ({ files = {}, recording }) => `
A .cpuprofile, made with the shape of a server's, read to the report of functions, lines and packages; whole processes for fettle and for DevTools' model (\`CPUProfileDataModel\`
of the npm package \`chrome-devtools-frontend\`, bundled for Node 24, and its sums by function). speedscope is its npm release in Chromium, headless; the time is what it tells of its
import, without the browser's start and without drawing. Files are in the page cache. A file of 1 GB is longer than any text of V8's, so that only fettle reads it.

${table(['file', 'who', 'time', 'of fettle’s'], Object.values(files).flatMap(({ bytes, by }) => Object.keys(LABELS).filter((who) => by[who]?.length)
    .map((who) => [mb(bytes), LABELS[who], seconds(wall(by, who)), times(wall(by, who) / wall(by, 'fettle'))])))}

${table(['file', 'reading it and nothing else', 'fettle', 'fettle, GB a second', 'peak memory besides the file’s pages'], Object.values(files).map((f) =>
    [mb(f.bytes), seconds(f.reading_s), seconds(wall(f.by, 'fettle')), rate(f).toFixed(2), mb(Math.max(0, peak(f.by) - f.bytes))]))}
${recording ? `
Express (a small JSON) on one worker under full load, requests a second while \`fettle cpu record\` runs and while it does not, in turns, ${recording.pairs.length} pairs of ${WINDOW_S} s:

${table(['pair', 'plain', 'recorded', 'ratio'], recording.pairs.map(({ plain, recorded }, i) => [String(i + 1), short(plain), short(recorded), asRatio(recorded / plain)]))}
` : ''}`;
