// report.test.mjs -- what becomes of figures: medians, ratios, targets met and missed, the page; nothing is measured
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { median, ms, short, target } from './numbers.mjs';
import { page, parts } from './report.mjs';
import { lostOf, medianWithin, sampleOf } from './cpu/recording.mjs';
import * as blocking from './scenarios/blocking.mjs';
import * as failures from './scenarios/failures.mjs';
import * as generator from './scenarios/generator.mjs';
import * as heap from './scenarios/heap.mjs';
import * as hop from './scenarios/hop.mjs';
import * as stack from './scenarios/stack.mjs';
import * as waiting from './scenarios/waiting.mjs';

/** What `fettle bench --json` says of two kinds whose every quantile is this many ms. */
const mixed = (kinds, failed = 0) => ({
  failed, rate: 520,
  kinds: Object.entries(kinds).map(([name, value]) => ({
    name, latency_us: Object.fromEntries(['p50', 'p90', 'p99', 'p99_9', 'max'].map((q) => [q, value * 1000])),
  })),
});
const blocked = (fast, slow, failed) => mixed({ '/fast': fast, '/slow': slow }, failed);
const verdicts = (targets) => targets.map((t) => t.met);

const normal = { haproxy: [blocked(300, 358)], fettle: [blocked(1, 340), blocked(9, 360), blocked(2, 350)] };
const data = {
  blocking: { normal, high: { haproxy: [blocked(500, 700)], fettle: [blocked(3, 1300)] }, two: { fettle: [blocked(161, 400)] }, cold: { fettle: [blocked(130, 400)] } },
  stack: { cluster: [{ rate: 1000, failed: 0, latency_us: { p50: 1, p99: 2 } }], fettle: [{ rate: 849, failed: 0, latency_us: { p50: 1, p99: 2 } }] },
};
const results = () => ({
  machine: { cpu: '2 CPUs, an example', memory: '4 GB', system: 'Debian', versions: { Node: '22.0.0', nginx: undefined } },
  parts: Object.fromEntries(Object.entries(data).map(([name, data]) => [name, { at: '2026-01-02', seconds: 61, options: { rounds: 3, seconds: 8, workers: 4 }, data }])),
});

test('a median is of the middle, whatever the order', () => {
  assert.equal(median([9, 1, 2]), 2);
  assert.equal(median([100, 5, 20, 10]), 10);
  assert.equal(median([]), undefined);
});

test('figures are written short', () => {
  assert.deepEqual([0.526, 5.26, 52.6, 5260.4, 8, -3.1, undefined].map(short), ['0.53', '5.3', '53', '5,260', '8.0', '-3.1', '–']);
  assert.equal(ms(2345), '2.3 ms');
});

test('what was not measured is neither met nor missed', () => {
  assert.equal(target('x', '≤ 1', undefined, () => true).met, undefined);
  assert.equal(target('x', '≤ 1', NaN, () => true).met, undefined);
});

test('blocking: the medians of the rounds are held against the targets', () => {
  assert.deepEqual(verdicts(blocking.targets(data.blocking)), [true, true, true, true, false, true]);
  const failed = { ...data.blocking, high: { ...data.blocking.high, fettle: [blocked(3, 1401, 2)] } };
  assert.deepEqual(verdicts(blocking.targets(failed)).slice(2, 4), [false, false]);
  assert.match(blocking.render(data.blocking, { workers: 4 }), /\| HAProxy leastconn \| 300 ms \| 300 ms \| 300 ms \| 300 ms \| 0\.01 × \|/);
});

test('waiting: a fifth of nginx’s p99 is met, a little more is not', () => {
  const run = (p99, rate) => [{ mixed: mixed({ '/wait': p99, '/slow': 100 }), alone: { rate } }];
  assert.deepEqual(verdicts(waiting.targets({ nginx: run(221, 1000), fettle: run(44, 980) })), [true, true]);
  assert.deepEqual(verdicts(waiting.targets({ nginx: run(221, 1000), fettle: run(45, 979) })), [false, false]);
});

test('stack: the ratio is to cluster', () => {
  const [t] = stack.targets(data.stack);
  assert.deepEqual([t.measured, t.met], ['0.849 ×', false]);
});

test('hop: the ratio is to the better peer', () => {
  const row = (nginx, haproxy, fettle) => ({ nginx: { user_us: 1, system_us: nginx - 1 }, haproxy: { user_us: 1, system_us: haproxy - 1 }, fettle: { user_us: 1, system_us: fettle - 1 } });
  const costs = { sizes: { '1k': row(12, 10, 7), '64k': row(40, 30, 22) }, websocket: row(7, 8, 4), instructions: { fettle: 8001 }, syscalls: { fettle: { recvfrom: 2.004 } } };
  assert.deepEqual(verdicts(hop.targets(costs)), [true, false, true, false]);
  assert.match(hop.render(costs), /\| fettle \| 8,001 \| recvfrom 2\.00 \|/);
});

test('generator: neighbours in time are compared, and errors to either side', () => {
  const off = (us) => [{ p50: 1, p90: 1, p99: us, p99_9: 1 }];
  const seen = generator.targets({ cost: { wrk: [100, 200, 100], fettle: [110, 190, 120] }, accuracy: { 500: off(12), 2000: off(-51) } });
  assert.deepEqual(seen.map((t) => [t.measured, t.met]), [['1.100 ×', true], ['51 µs', false]]);
});

test('failures: what never happened is said so', () => {
  const seen = { kill: { fettle: { requests: 4000, failed: 0 } }, block: { fettle: { requests: 4000, failed: 5, elsewhere_ms: 120 }, cluster: { requests: 4000, failed: 900, replaced_ms: null } } };
  assert.deepEqual(verdicts(failures.targets(seen)), [true, undefined, true, undefined, undefined]);
  const never = { block: { fettle: { elsewhere_ms: null } } };
  assert.deepEqual(failures.targets(never)[2], { what: 'a blocked worker gets no new request after', bound: '≤ 250 ms', measured: 'never', met: false });
  assert.match(failures.render(seen), /\| node cluster \| 4,000 \| 900 \|.*\| never \|/);
});

test('heap: the slowest ratio and the hungriest file from 100 MB decide', () => {
  const took = (wall_s, peak_bytes) => [{ wall_s, user_s: wall_s, system_s: 0.1, peak_bytes }];
  const file = (bytes, fettle, devtools) => ({ bytes, reading_s: 0.1, by: { fettle, devtools, memlab: took(20, 2e9) } });
  const files = { 20: file(19.8e6, took(0.05, 30e6), took(0.65, 256e6)), 130: file(130e6, took(0.3, 90e6), took(2.7, 800e6)), 700: file(700e6, took(1.6, 540e6), took(12.4, 2e9)) };
  const seen = heap.targets({ files, leaks: { fettle: took(0.251, 1e6), memlab: took(1.2, 3e8) } });
  assert.deepEqual(seen.map((t) => [t.measured, t.met]), [['7.75 ×', false], ['0.050 s', true], ['0.77 ×', false], ['0.251 s', false]]);
  assert.deepEqual(verdicts(heap.targets({ files: {} })), [undefined, undefined, undefined, undefined]);
  assert.match(heap.render({ files }), /\| tsc, 700\.0 MB \| DevTools \| 12\.4 s \| 7\.75 × \|/);
});

test('the page has the parts that were measured, with the machine, the targets and how to repeat them', () => {
  const text = page(results());
  assert.match(text, /^<!-- Written by `make bench`/);
  assert.match(text, /2 CPUs, an example, 4 GB/);
  assert.match(text, /versions \| Node 22\.0\.0 \|/, 'without what is not installed');
  assert.match(text, /\| 2\.0 ms \| ≤ 3 ms \| yes \| \[blocking\]\(#fast-requests-beside-blocking-ones\) \|/);
  assert.match(text, /\| 161 ms \| ≤ 160 ms \| \*\*no\*\* \|/);
  assert.match(text, /`make bench ONLY=stack` \(2 min\)\. Measured 2026-01-02/);
  assert.deepEqual([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title), [blocking.title, stack.title]);
  for (const [, fragment] of text.matchAll(/\]\(#([^)]+)\)/g))
    assert.ok(parts.some((part) => part.title.toLowerCase().replace(/ /g, '-') === fragment), `#${fragment} is a heading`);
});

test('a recording: a sample costs what is more at a short interval, shared among its samples', () => {
  const pairs = (us, samples) => [1, 1, 1].map((more) => ({ plain: { us: 100 }, recorded: { us: 100 * more + us }, samples }));
  const data = { pairs: { short: pairs(20, 2000), usual: pairs(1, 200) }, pause_ms: [50] };
  assert.deepEqual(Object.values(sampleOf(data.pairs.short)).map(Math.round), [100, 100, 100]);
  assert.ok(Math.abs(lostOf(data).high - (1 - 1 / 1.02 + 0.005)) < 1e-9);
  const { low, value, high } = medianWithin([1, 2, 3, 4, 100]);
  assert.ok(low <= value && value <= high && value === 3 && low >= 1);
});
