// What /metrics says of a loop is what Node itself says of it: perf_hooks.eventLoopUtilization, monitorEventLoopDelay, and gc entries.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MAJORS, nodeOf, startFettle } from './helpers/fettle.mjs';

/* Between /begin and /end: what Node has seen. */
const APP = `
const { performance, monitorEventLoopDelay, PerformanceObserver } = require('node:perf_hooks');
const delay = monitorEventLoopDelay({ resolution: 10 });
const collections = { minor: [0, 0], major: [0, 0], incremental: [0, 0], weakcb: [0, 0] };
const kinds = { 1: 'minor', 2: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' };
new PerformanceObserver((list) => {
  for (const { detail, duration } of list.getEntries()) {
    collections[kinds[detail.kind]][0]++;
    collections[kinds[detail.kind]][1] += duration / 1000;
  }
}).observe({ entryTypes: ['gc'] });
delay.enable();
let from;
const spin = (ms) => { for (const until = performance.now() + ms; performance.now() < until; ); };
require('node:http').createServer((req, res) => {
  if (req.url === '/begin') from = performance.eventLoopUtilization();
  if (req.url.startsWith('/spin/')) spin(Number(req.url.slice(6)));
  if (req.url === '/collect') {
    let waste = [];
    for (let i = 0; i < 4e5; i++) waste.push({ i });
    waste = null;
    gc();
  }
  if (req.url !== '/end') return res.end('ok');
  // Observers are called after the turn in which a collection was.
  setTimeout(() => res.end(JSON.stringify({ ...performance.eventLoopUtilization(from), max: delay.max / 1e9, collections })), 30);
}).listen(process.env.PORT);`;

const near = (seen, true_, share, more) => Math.abs(seen - true_) <= share * true_ + more;

test('utilization, delays and collections are those that Node reports', { concurrency: 2 }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-truth-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  fs.writeFileSync(path.join(dir, 'app.js'), APP);
  await Promise.all(MAJORS.filter(nodeOf).map((major) => t.test(`node ${major}`, async (t) => {
    const run = await startFettle({ t, target: path.join(dir, 'app.js'), args: ['-w', '1', '--node-args', '--expose-gc'], node: nodeOf(major) });
    const page = async () => {
      const { text } = await run.admin('/metrics');
      return (name, labels = '') => Number(text.match(new RegExp(`^${name}\\{worker="1"${labels}\\} (\\S+)$`, 'm'))?.[1]);
    };
    await run.get('/begin');
    const first = await page();
    for (let i = 0; i < 6; i++) await run.get(`/spin/${10 + 5 * i}`);
    for (let i = 0; i < 4; i++) await run.get('/collect');
    await run.get('/spin/220');
    const node = (await run.get('/end')).json();
    const last = await page();
    const since = (name) => last(name) - first(name);

    const busy = since('fettle_worker_loop_busy_seconds_total'), wait = since('fettle_worker_loop_wait_seconds_total');
    assert.ok(near(busy / (busy + wait), node.utilization, 0.1, 0.1), `utilization ${busy / (busy + wait)}, by Node ${node.utilization}`);
    assert.ok(busy >= 0.4, 'what was spun');
    // The histogram's timer and the turns see the same long turns; a bucket is an eighth wide.
    // A CPU that comes late is late for Node's timer only, so Node's may be more.
    const most = last('nodejs_eventloop_lag_max_seconds');
    assert.ok(most >= 0.2 && most <= node.max * 1.25 + 0.03, `max ${most}, by Node ${node.max}`);
    // Those before the app's observer was there are in ours only.
    for (const kind of ['minor', 'major']) {
      const count = last('nodejs_gc_duration_seconds_count', `,kind="${kind}"`), sum = last('nodejs_gc_duration_seconds_sum', `,kind="${kind}"`);
      const [seen, seconds] = node.collections[kind];
      assert.ok(seen > 0 && count >= seen && count <= seen + 25, `${kind}: ${count}, by Node ${seen}`);
      assert.ok(sum >= seconds * 0.8 - 0.001 && near(sum, seconds, 0.5, 0.05), `${kind}: ${sum} s, by Node ${seconds}`);
    }
  })));
});
