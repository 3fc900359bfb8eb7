// resilience.test.mjs -- time-outs, retries within a budget, circuit breakers: an app that fails on
// demand (fixtures/fragile), and what clients see of it
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { BARE, PATIENCE_MS, fixture, startFettle } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';
import { Wire, get } from './helpers/wire.mjs';

const skip = BARE && 'needs fettle';

/** Starts it with what `settings` says; `broken(how)` breaks all but the routes with a name, until `null`. */
async function start(t, settings, args = ['-w', '2']) {
  const cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fr-')));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  for (const name of ['marks', 'run']) fs.mkdirSync(path.join(cwd, name));
  fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({ run: fixture('fragile'), ...settings }));
  const run = await startFettle({
    t, cwd, target: 'fettle.json', args: [...args, '--access-log', 'access.log'],
    env: { MARKS: path.join(cwd, 'marks'), FETTLE_RUNTIME_DIR: path.join(cwd, 'run') },
  });
  await run.serving(Number(args[1])); // what is sent again goes to another one
  const mark = path.join(cwd, 'marks/broken');
  return Object.assign(run, {
    cwd,
    marks: path.join(cwd, 'marks'),
    broken: (how) => (how === null ? fs.rmSync(mark) : fs.writeFileSync(mark, String(how))),
    asked: async (key) => Number((await run.get(`/asked?key=${key}`)).text),
    logged: (pattern) =>
      poll(() => pattern.exec(fs.readFileSync(path.join(cwd, 'access.log'), 'utf8')), { timeout: PATIENCE_MS }),
    metric: async (name) => {
      const line = (await run.admin('/metrics')).text.split('\n').find((one) => one.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.split(' ').at(-1));
    },
  });
}

test('time-outs', { skip }, async (t) => {
  const run = await start(t, {
    routes: [
      { path: '/hang', 'upstream-timeout': '200ms' },
      { path: '/stall', 'stall-timeout': '200ms' },
      { path: '/drip', 'request-timeout': '300ms' },
      { path: '/ws', 'tunnel-timeout': '200ms' },
      { path: '/status', 'request-timeout': '200ms', 'queue-timeout': '10s' },
    ],
  });
  const refused = (reason) => run.metric(`fettle_proxy_refused_total{reason="${reason}"}`);

  await t.test('no response in time: 504, and the worker hears of it', async () => {
    const answer = await run.get('/hang?key=late&times=9');
    assert.equal(answer.status, 504);
    assert.match(answer.text, /the worker did not answer in time/);
    assert.equal(await refused('worker_too_slow'), 1);
    await run.logged(/GET \/hang\?key=late&times=9 HTTP\/1.1" 504 .* reason=worker_too_slow/);
    await run.until(async () => (await run.workers()).every((w) => w.in_flight === 0));
  });
  await t.test('a response that stops is broken off', async () => {
    const wire = await Wire.open(run.port);
    wire.send(get('/stall'));
    assert.equal((await wire.head()).get('content-length'), '1000');
    await wire.end();
    assert.equal(wire.got.length, 100);
    assert.equal(await refused('worker_stalled'), 1);
  });
  await t.test('one that goes on for too long, too, though it never stops', async () => {
    const wire = await Wire.open(run.port);
    wire.send(get('/drip'));
    assert.equal((await wire.head()).status, 200);
    await wire.end();
    assert.equal(await refused('request_too_long'), 1);
    await run.logged(/GET \/drip .* 200 .* reason=request_too_long/);
  });
  await t.test('a WebSocket lives for as long as it says something', async () => {
    const wire = await Wire.open(run.port);
    wire.send(get('/ws', { connection: 'upgrade', upgrade: 'echo' }));
    assert.equal((await wire.head()).status, 101);
    let last;
    for (let i = 0; i < 3 && !wire.ended; i++) {
      last = performance.now();
      assert.equal((await wire.send('hello').bytes(5)).toString(), 'hello');
    }
    await wire.end();
    assert.ok(performance.now() - last >= 190, `closed ${performance.now() - last} ms after a byte`);
    assert.equal(await refused('tunnel_idle'), 1);
  });
});

test('retries', { skip }, async (t) => {
  const run = await start(t, {
    'retry-on': ['reset', 'timeout', 503],
    routes: [
      { path: '/hang', 'upstream-timeout': '200ms' },
      { path: '/reset', 'retry-methods': 'keyed' },
      { host: 'never.example', 'retry-max': 'off' },
    ],
  });
  const sent = (after) => run.metric(`fettle_retries_total{after="${after}"}`);

  await t.test('after a status, by another worker', async () => {
    const wire = await Wire.open(run.port);
    const answer = await wire.send(get('/status?key=busy&code=503')).response();
    assert.equal(answer.status, 200);
    assert.equal(answer.get('x-worker'), undefined);
    const pids = fs.readFileSync(path.join(run.marks, 'busy'), 'utf8').trim().split('\n');
    assert.equal(pids.length, 2);
    assert.notEqual(pids[0], pids[1]);
    assert.equal(await sent('status'), 1);
    wire.destroy();
  });
  await t.test('not after another status', async () => {
    assert.equal((await run.get('/status?key=other&code=500')).status, 500);
    assert.equal(await run.asked('other'), 1);
  });
  await t.test('until retry-max: then what came last is the answer', async () => {
    assert.equal((await run.get('/status?key=often&code=503&times=9')).status, 503);
    assert.equal(await run.asked('often'), 3);
    assert.equal((await run.get('/status?key=never&code=503', { headers: { host: 'never.example' } })).status, 503);
    assert.equal(await run.asked('never'), 1);
  });
  await t.test('after a time-out', async () => {
    assert.equal((await run.get('/hang?key=hung')).status, 200);
    assert.equal(await sent('timeout'), 1);
  });
  await t.test('a POST only with an Idempotency-Key', async () => {
    assert.equal((await run.post('/reset?key=post', {})).status, 502);
    assert.equal((await run.post('/reset?key=keyed', {}, { headers: { 'idempotency-key': 'k1' } })).status, 200);
    assert.equal(await run.asked('post'), 1);
    assert.equal(await run.asked('keyed'), 2);
    assert.equal((await run.post('/status?key=unkeyed&code=503', {}, { headers: { 'idempotency-key': 'k1' } })).status, 503);
  });
  await t.test('within a budget: an app that is down gets a few more requests, not three times as many', async () => {
    const count = 200, before = await sent('status');
    const answers = [];
    for (let i = 0; i < count; i += 20)
      answers.push(...(await Promise.all(Array.from({ length: 20 }, () => run.get('/status?key=down&code=503&times=100000')))));
    assert.ok(answers.every((one) => one.status === 503));
    const asked = await run.asked('down'), repeats = (await sent('status')) - before;
    assert.equal(asked, count + repeats);
    assert.ok(repeats >= 50 && repeats <= 100 + 0.2 * (count + 50), `${repeats} repeats`);
    assert.ok((await run.metric(`fettle_retries_denied_total{by="budget"}`)) > 0);
  });
});

test('a circuit breaker', { skip }, async (t) => {
  const run = await start(t, {
    breaker: true,
    'breaker-failures': 5,
    'breaker-open': '300ms',
    'breaker-open-max': '300ms',
    'retry-max': 'off',
    threads: 2,
    routes: [
      { path: '/slow', 'breaker-slow': '20ms', 'breaker-calls': 4, 'breaker-open': '1h', 'breaker-open-max': '1h', 'breaker-fallback': 'sorry.html' },
      { path: '/off', breaker: false },
    ],
  });
  const circuit = async (route = '') => (await run.admin('/api/circuits')).json().circuits.find((one) => one.route === route);
  const state = (wanted) => run.until(async () => (await circuit()).state === wanted);
  const statuses = async (n, target = '/x') => (await Promise.all(Array.from({ length: n }, () => run.get(target)))).map((one) => one.status);

  await t.test('failures in a row open it: the app is left alone', async () => {
    run.broken(500);
    for (let i = 0; i < 5; i++) assert.equal((await run.get('/x')).status, 500);
    const refused = await run.get('/x');
    assert.equal(refused.status, 503);
    assert.match(refused.text, /left alone/);
    assert.equal(refused.headers['retry-after'], '1');
    assert.ok(run.lines.some((line) => /warning: the circuit of .* is open: too many failures in a row/.test(line)));
    await run.logged(/503 .* reason=circuit_open/);
    assert.equal((await run.get('/off')).status, 500); // has none
  });

  await t.test('over all threads one request is let through to see', async () => {
    run.broken('hang');
    let probe;
    await run.until(async () => {
      probe?.destroy();
      probe = await Wire.open(run.port);
      probe.send(get('/x'));
      await run.until(async () => probe.ended || (await run.workers()).some((w) => w.in_flight > 0));
      return (await circuit()).state === 'half-open';
    });
    // While it hangs, nobody else gets through, on whatever thread.
    assert.deepEqual(await statuses(40), Array(40).fill(503));
    assert.equal((await run.workers()).reduce((sum, w) => sum + w.in_flight, 0), 1);
    probe.reset();
    await run.until(async () => (await run.workers()).every((w) => w.in_flight === 0));
  });

  await t.test('it closes when probes succeed', async () => {
    run.broken(null);
    await run.until(async () => (await run.get('/x')).status === 200);
    await run.until(async () => ((await run.get('/x')), (await circuit()).state === 'closed'));
    assert.deepEqual(await statuses(20), Array(20).fill(200));
    await run.line(/the circuit of .* is closed again/);
  });

  await t.test('connections that break count, and clients that go away do not', async () => {
    run.broken('hang');
    for (let i = 0; i < 8; i++) {
      const wire = await Wire.open(run.port);
      wire.send(get('/x'));
      await run.until(async () => (await run.workers()).some((w) => w.in_flight > 0));
      wire.reset();
      await run.until(async () => (await run.workers()).every((w) => w.in_flight === 0));
    }
    assert.equal((await circuit()).state, 'closed');
    run.broken('reset');
    for (let i = 0; i < 5; i++) assert.equal((await run.get('/x')).status, 502);
    await state('open');
    run.broken(null);
    await run.until(async () => ((await run.get('/x')), (await circuit()).state === 'closed'));
  });

  await t.test('a route has its own, for slow responses, with a fallback', async () => {
    fs.writeFileSync(path.join(run.cwd, 'sorry.html'), '<h1>Sorry</h1>');
    run.broken('slow');
    run.kill('SIGHUP'); // the file is read anew
    await run.until(async () => (await run.get('/slow')).text.includes('Sorry'));
    const answer = await run.get('/slow');
    assert.equal(answer.status, 503);
    assert.equal(answer.text, '<h1>Sorry</h1>');
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
    const row = await circuit('/slow');
    assert.equal(row.opened_by, 'slow');
    assert.equal(row.state, 'open');
    assert.equal((await circuit()).state, 'closed');
    assert.equal(await run.metric(`fettle_circuit_open{app="${row.app}",route="/slow"}`), 1);
  });
});
