/* What a scrape of 8 workers with 10,000 series each takes: fettle, whose monitor reads shared memory, and prom-client's aggregator for clusters, which
 * asks each worker. */
import http from 'node:http';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FETTLE, NODE, ROOT } from '../contenders.mjs';
import { count, median, short, table, target, times } from '../numbers.mjs';
import { end, familyOf, freePort, launch, until } from '../processes.mjs';

export const name = 'scrape';
export const title = 'A scrape of 8 × 10,000 series';
const WORKERS = 8, SCRAPES = 15, BLOCK_MS = 3000;
const APP = path.join(ROOT, 'test/bench/apps/series.js');

const agent = new http.Agent({ keepAlive: true });
const get = (port, target) => new Promise((done, fail) => {
  const begun = performance.now();
  http.get({ port, path: target, host: '127.0.0.1', agent }, (res) => {
    const parts = [];
    res.on('data', (part) => parts.push(part));
    res.on('end', () => done({ status: res.statusCode, took_ms: performance.now() - begun, body: Buffer.concat(parts) }));
    res.on('error', fail);
  }).on('error', fail);
});

const cpuOf = (pid) => readdirSync(`/proc/${pid}/task`)
  .reduce((ns, task) => ns + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]), 0) / 1e6;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* Of a page: lines that are samples of ours. */
const seriesOf = (body) => (body.toString('latin1').match(/^\w*app_measure_seconds_\w+\{/gm) ?? []).length;

/** CPU of each worker's threads that `act` makes it use, ms: without what it uses anyhow in that time. */
async function workersCpu(pids, act) {
  const sum = () => pids.reduce((ms, pid) => ms + cpuOf(pid), 0);
  let before = sum(), begun = performance.now();
  await act();
  const used = sum() - before, ms = performance.now() - begun;
  before = sum(), begun = performance.now();
  await sleep(Math.max(ms, 1000));
  const idle = (sum() - before) * (ms / (performance.now() - begun));
  return Math.max(0, used - idle) / pids.length;
}

async function measured(contender, ctx) {
  const folder = mkdtempSync(path.join(tmpdir(), 'fettle-bench-scrape-'));
  const roots = [];
  const port = await freePort(), metrics = contender === 'fettle' ? await freePort() : port + 1;
  const env = { PORT: String(port), WORKERS: String(WORKERS), METRICS: contender === 'fettle' ? 'perf_hooks' : 'prom-client', FETTLE_RUNTIME_DIR: folder };
  try {
    const [command, ...args] = contender === 'fettle'
      ? [FETTLE, 'run', '-w', String(WORKERS), '--node', NODE, '--admin', `127.0.0.1:${metrics}`, APP] : [NODE, APP];
    roots.push(launch(command, args, { env, cwd: ROOT, log: path.join(folder, 'log') }).pid);
    const scrape = () => get(metrics, '/metrics');
    const wanted = contender === 'fettle' ? WORKERS * 9900 : 9900; /* the aggregator adds the workers up */
    const first = await until(async () => {
      const page = await scrape().catch(() => null);
      return page && page.status === 200 && seriesOf(page.body) >= wanted && page;
    }, `a page of ${wanted} series`, 60);
    const pids = new Set();
    while (pids.size < WORKERS) {
      const answers = await Promise.all(Array.from({ length: 2 * WORKERS }, () => get(port, '/')));
      for (const { body } of answers) pids.add(Number(body));
    }
    await sleep(1500);
    const took = [];
    const cpu_ms = await workersCpu([...pids], async () => {
      for (let i = 0; i < SCRAPES; i++) took.push((await scrape()).took_ms);
    });
    await get(port, `/block?ms=${BLOCK_MS}`);
    await sleep(200);
    const blocked = [];
    for (const until = performance.now() + BLOCK_MS / 2; performance.now() < until && blocked.length < 7;) blocked.push(await scrape());
    return {
      took_ms: median(took), worst_ms: Math.max(...took), bytes: first.body.length, series: seriesOf(first.body), worker_cpu_ms: cpu_ms / SCRAPES,
      blocked_ms: median(blocked.map((one) => one.took_ms)), blocked_status: blocked[0].status, blocked_series: seriesOf(blocked[0].body),
    };
  } finally {
    await end(familyOf(roots).length ? roots : []);
    rmSync(folder, { recursive: true, force: true });
    ctx.log(`  ${contender} done`);
  }
}

export async function run(ctx) {
  return { fettle: await measured('fettle', ctx), 'prom-client': await measured('prom-client', ctx) };
}

export const targets = ({ fettle, 'prom-client': prom }) => [
  target('a scrape of 8 workers × 10,000 series', '≤ 20 ms', fettle.took_ms, (ms) => ms <= 20, (ms) => `${short(ms)} ms`),
  target('a worker’s CPU for it', '0 ms', fettle.worker_cpu_ms, (ms) => ms < 0.05, (ms) => `${ms.toFixed(2)} ms`),
  target('the same, one worker being blocked', '≤ 20 ms, all series', fettle.blocked_ms, (ms) => ms <= 20 && fettle.blocked_series === fettle.series, (ms) => `${short(ms)} ms`),
  target('prom-client’s aggregator, times as long', '> 1 ×', prom.took_ms / fettle.took_ms, (n) => n > 1, times),
];

const LABELS = { fettle: 'fettle', 'prom-client': 'prom-client, `AggregatorRegistry`' };

export const render = (data) => `
Each of 8 workers has 500 histograms of 17 bounds: 10,000 series with sums and counts. With fettle these are \`performance.measure()\`s of the app, and the page has each worker's own; prom-client's
aggregator gets them from each worker by IPC and adds them up, so that its page is an eighth as long. One client on the same machine; medians of ${SCRAPES} scrapes to the last byte. *CPU* is of one worker for one
scrape, what it uses anyhow being subtracted. *Blocked*: one worker's loop does not turn for ${BLOCK_MS / 1000} s.

${table(['', 'scrape, ms', 'worst, ms', 'page, MB', 'series', 'CPU of a worker, ms', 'blocked, ms'], Object.entries(data).map(([who, d]) => [LABELS[who],
    short(d.took_ms), short(d.worst_ms), (d.bytes / 1e6).toFixed(1), count(d.series), d.worker_cpu_ms.toFixed(2), d.blocked_status === 200 ? short(d.blocked_ms) : `${d.blocked_status} after ${short(d.blocked_ms)}`]))}
`;
