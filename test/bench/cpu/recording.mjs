/* What recording a CPU profile costs the app: CPU of a request with and without, in turns, in one process.
 *
 * Throughput is too noisy to show 3 %, so what is measured is the CPU time of the worker, all of its threads, for each request: a worker that
 * is busy serves less by just that. What V8's profiler takes is so much for each sample; it is measured at a short interval, where it is large
 * beside the noise, and taken for the default one, which is measured, too. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { APP, FETTLE, ROOT } from '../contenders.mjs';
import { random } from '../../heap/random.mjs';
import { median } from '../numbers.mjs';
import { end, freePort, launch, run as finish, until } from '../processes.mjs';

export const INTERVALS = { short: 0.25, usual: 5 }; /* ms; the second is the default */
export const RECORDED_S = 10; /* the default, too */
const WINDOW_S = 1;
const RESAMPLES = 2000;

const threadsOf = (pid) => readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
  try {
    const of = (name) => readFileSync(`/proc/${pid}/task/${tid}/${name}`, 'latin1');
    return [{ name: of('comm').trim(), cpu_us: Number(of('schedstat').split(' ')[0]) / 1000 }];
  } catch { return []; /* it has ended */ }
});
const cpuOf = (pid) => threadsOf(pid).reduce((sum, { cpu_us }) => sum + cpu_us, 0);
/* V8's thread that takes the samples. */
const isRecorded = (pid) => threadsOf(pid).some(({ name }) => name.startsWith('v8:ProfEvnt'));

/** The median, and between which two it is in 95 of 100 samples of the values; the same for the same values. */
export function medianWithin(values) {
  const r = random(1);
  const medians = Array.from({ length: RESAMPLES }, () => median(values.map(() => r.of(values)))).sort((a, b) => a - b);
  return { value: median(values), low: medians[Math.round(RESAMPLES * 0.025)], high: medians[Math.round(RESAMPLES * 0.975) - 1] };
}

/* One worker under full load: windows with and without a recording. */
async function pairsOf({ pid, count, interval_ms, load, record }) {
  const window = async () => {
    const before = cpuOf(pid), requests = await load(WINDOW_S);
    return { us: (cpuOf(pid) - before) / requests, rate: requests / WINDOW_S };
  };
  const pairs = [];
  for (let i = 0; i < count; i++) {
    const pair = { interval_ms };
    for (const how of i % 2 ? ['recorded', 'plain'] : ['plain', 'recorded']) {
      const recording = how === 'recorded' && record(WINDOW_S + 1, interval_ms);
      if (recording) await until(() => isRecorded(pid), 'the recording');
      pair[how] = await window();
      if (recording) pair.samples = await recording;
    }
    pairs.push(pair);
  }
  return pairs;
}

/** { pairs: { short, usual }, flame_s, pause_ms }: pairs as above, from a recording's end to its flame graph, the longest answers while one begins and ends. */
export async function recordingOf({ folder, log, rounds, work }) {
  const port = await freePort(), env = { ...process.env, FETTLE_RUNTIME_DIR: folder, XDG_RUNTIME_DIR: folder };
  const app = launch('taskset', ['-c', '0', FETTLE, 'run', '--name', 'shop', '-w', '1', '--admin', 'off', APP], { env: { ...env, PORT: String(port), BENCH_WORK: String(work) }, cwd: ROOT, log: path.join(folder, 'cpu.log') });
  const bench = async (...args) => JSON.parse((await finish('taskset', ['-c', '0', FETTLE, 'bench', '--json', '--warmup', 'off', ...args, `http://127.0.0.1:${port}/json`])).out);
  const load = async (seconds) => (await bench('-c', '16', '-d', `${seconds}s`)).requests;
  const file = path.join(folder, 'shop.cpuprofile');
  const recorded = async (seconds, interval_ms) =>
    JSON.parse((await finish('taskset', ['-c', '0', FETTLE, 'cpu', 'record', 'shop/1', '--seconds', String(seconds), '--interval', `${interval_ms * 1000}us`, '-o', file, '--json'], { env })).out);
  /* Samples a second, as they really came. */
  const record = async (...how) => {
    await recorded(...how);
    const { samples, startTime, endTime } = JSON.parse(readFileSync(file));
    return (samples.length / (endTime - startTime)) * 1e6;
  };
  try {
    await until(() => fetch(`http://127.0.0.1:${port}/json`).then((r) => r.ok, () => false), 'the app');
    await load(3);
    /* A CPU for the worker and the thread that takes the samples; everything else has the other one. */
    const pid = (await recorded(1, INTERVALS.usual)).files[0].pid;
    await finish('taskset', ['-a', '-c', '-p', '1', String(pid)]);
    const pairs = {}, pause_ms = [], flame_s = [];
    for (const [name, interval_ms] of Object.entries(INTERVALS))
      pairs[name] = await pairsOf({ pid, count: rounds * 5, interval_ms, load, record });
    for (let round = 0; round < rounds; round++) {
      const begun = performance.now(), answers = bench('--rate', '500', '-c', '4', '-d', '3s');
      await recorded(1, INTERVALS.usual);
      await finish(FETTLE, ['cpu', 'flame', file, '-o', path.join(folder, 'flame.html')]);
      flame_s.push((performance.now() - begun) / 1000 - 1);
      pause_ms.push((await answers).latency_us.max / 1000);
    }
    const data = { pairs, flame_s, pause_ms };
    log(`  while recorded: ${Object.keys(pairs).map((name) => `${(extraOf(pairs[name]).value * 100).toFixed(1)} % more CPU every ${INTERVALS[name]} ms`).join(', ')}; flame graph after ${median(flame_s).toFixed(2)} s`);
    return data;
  } finally {
    await end([app.pid]);
  }
}

/** How much more CPU a request takes while recorded, relative. */
export const extraOf = (pairs) => medianWithin(pairs.map(({ plain, recorded }) => recorded.us / plain.us - 1));
/** CPU of a sample, in microseconds. */
export const sampleOf = (pairs) => medianWithin(pairs.map(({ plain, recorded, samples }) => ((recorded.us / plain.us - 1) * 1e6) / samples));
/** What a recording of RECORDED_S takes of the throughput: its samples, by what one costs, and the loop that stands still while it begins and ends. */
export function lostOf({ pairs: { short, usual }, pause_ms }) {
  const { value, low, high } = sampleOf(short), rate = median(usual.map(({ samples }) => samples)) / 1e6;
  const lost = (us) => 1 - 1 / (1 + us * rate) + median(pause_ms) / 1000 / RECORDED_S;
  return { value: lost(value), low: lost(low), high: lost(high) };
}
