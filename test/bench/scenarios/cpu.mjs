/* CPU profiles: read to the end by fettle, DevTools' model and speedscope; and what recording one costs the app.
 *
 *   CPU_FILES=100,1000,recording    files of so many MB, and the cost of recording */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { FETTLE, ROOT } from '../contenders.mjs';
import { INTERVALS, RECORDED_S, extraOf, lostOf, recordingOf, sampleOf } from '../cpu/recording.mjs';
import { count, mb, median, short, table, target, times } from '../numbers.mjs';
import { run as finish } from '../processes.mjs';
import { generated } from '../../profile/generate.mjs';
import { bundle } from '../../heap/bundle.mjs';

export const name = 'cpu';
export const title = 'CPU profiles';
const USAGE = path.join(ROOT, 'build/test/bench/usage');
const NODE = [path.join(ROOT, 'build/nodes/24/node'), '--max-old-space-size=16000'];
const USUAL = '100,1000,recording';
/* From this size on, V8 can make no string of a file, and the others cannot read it. */
const FETTLE_ONLY_MB = 500;
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
const within = ({ value, low, high }) => `${percent(value)} (${percent(low)} to ${percent(high)})`;
const micros = ({ value, low, high }) => `${value.toFixed(0)} µs (${low.toFixed(0)} to ${high.toFixed(0)})`;
const seconds = (s) => (s === undefined ? '–' : `${s.toFixed(s < 10 ? 2 : 1)} s`);
const rate = ({ bytes, by }) => bytes / 1e9 / wall(by, 'fettle');

export function targets({ files = {}, recording }) {
  const of = (who) => files[100]?.by[who]?.length ? wall(files[100].by, who) / wall(files[100].by, 'fettle') : undefined;
  return [
    target('a CPU profile of 100 MB, times faster than DevTools’ model', '≥ 10', of('devtools'), (n) => n >= 10, times),
    target('… than speedscope’s import', '≥ 10', of('speedscope'), (n) => n >= 10, times),
    target('throughput lost while a CPU profile is recorded, at most (95 %)', '≤ 3 %', recording && lostOf(recording).high, (n) => n <= 0.03, percent),
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
Express (a small JSON) on one worker under full load: CPU of its process for a request, while \`fettle cpu record\` runs and while it does not, in windows of a second that take turns.
Medians; in brackets the 95 % confidence interval.

${table(['a sample every', 'pairs', 'samples a second', 'a request, plain', 'recorded', 'more CPU'], Object.entries(INTERVALS).map(([name, interval_ms]) => {
    const pairs = recording.pairs[name];
    return [`${interval_ms} ms${name === 'usual' ? ', the default' : ''}`, String(pairs.length), count(median(pairs.map(({ samples }) => samples))),
      ...['plain', 'recorded'].map((how) => `${median(pairs.map((pair) => pair[how].us)).toFixed(1)} µs`), within(extraOf(pairs))];
  }))}

By the first line a sample costs ${micros(sampleOf(recording.pairs.short))}. The longest answer at 500 requests a second while a recording began and ended: ${short(median(recording.pause_ms))} ms. Both together take
${within(lostOf(recording))} of the throughput while ${RECORDED_S} s are recorded with the defaults.
` : ''}`;
