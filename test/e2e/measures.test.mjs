// perf_hooks marks, measures and timed functions of an app are in /metrics, and nothing changes for the app.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MAJORS, nodeOf, startFettle } from './helpers/fettle.mjs';

const APP = `
const { performance, PerformanceObserver } = require('node:perf_hooks');
performance.mark('boot');
const seen = [];
new PerformanceObserver((list) => seen.push(...list.getEntries().map((e) => e.entryType + ' ' + e.name)))
  .observe({ entryTypes: ['mark', 'measure', 'function'] });
const double = performance.timerify(function double(n) { return 2 * n; });
const own = Object.getOwnPropertyNames(performance).join();
let n = 0;
require('node:http').createServer((req, res) => {
  if (req.url === '/many') for (let i = 0; i < 1200; i++) performance.measure('step ' + (i % 1000) + ' of ' + 'abcdef'[i % 6]);
  else if (req.url === '/seen') return setImmediate(() => res.end(JSON.stringify({ seen: seen.splice(0), own,
    entries: performance.getEntriesByType('measure').length, same: performance === globalThis.performance })));
  else {
    performance.mark('begin');
    for (const until = performance.now() + 20; performance.now() < until; ) double(n++);
    performance.measure('checkout', 'begin');
    performance.measure('order-90125');
    performance.measure('order-90126');
    performance.clearMeasures('order-90126');
  }
  res.end('ok');
}).listen(process.env.PORT);`;

const value = (page, line) => Number(page.match(new RegExp(`^${line.replace(/[{}()+.?]/g, '\\$&')} (\\S+)$`, 'm'))?.[1]);

for (const major of MAJORS.filter(nodeOf))
  test(`node ${major}: what the app measures is in /metrics`, async (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-measures-'));
    t.after(() => fs.rmSync(dir, { recursive: true }));
    fs.writeFileSync(path.join(dir, 'app.js'), APP);
    const run = await startFettle({ t, target: path.join(dir, 'app.js'), args: ['-w', '1'], node: nodeOf(major) });
    // The observer is there with the main script's end, which the first answer comes after.
    await run.until(async () => /marks_total\{worker="1",name="boot"\} 1\n/.test((await run.admin('/metrics')).text), { what: 'the mark made at start' });
    await run.get('/');
    await run.get('/');
    const page = await run.until(async () => {
      const { text } = await run.admin('/metrics');
      return value(text, 'fettle_app_measure_seconds_count{worker="1",name="checkout"}') === 2 && text;
    }, { what: 'two checkouts' });
    const of = (name, labels) => value(page, `fettle_app_${name}{worker="1",${labels}}`);
    assert.equal(of('measure_seconds_bucket', 'name="checkout",le="0.01"'), 0);
    assert.equal(of('measure_seconds_bucket', 'name="checkout",le="10"'), 2);
    assert.ok(of('measure_seconds_sum', 'name="checkout"') >= 0.04);
    assert.equal(of('measure_seconds_count', 'name="order-:id"'), 4, 'ids are no names, and what is cleared counts');
    assert.equal(of('marks_total', 'name="begin"'), 2);
    assert.ok(of('function_seconds_count', 'name="double"') > 10);
    const { seen, own, same, entries } = (await run.get('/seen')).json();
    assert.equal(seen.filter((name) => name === 'measure checkout').length, 2, 'the app sees its own entries once');
    assert.equal(entries, 4, 'getEntries is what the app has left there');
    assert.equal(own, '');
    assert.equal(same, true);
    if (major !== 22) return;
    await run.get('/many');
    await run.until(async () => {
      const { text } = await run.admin('/metrics');
      const names = text.match(/^fettle_app_measure_seconds_count\{.*$/gm);
      return names.length > 400 && names.length < 512 && value(text, 'fettle_app_measure_seconds_count{worker="1",name="(other)"}') > 500;
    }, { what: 'names that are bounded' });
  });
