// Which worker gets a request: what users see of each --balance.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { BARE, fixture, startFettle } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';
const target = fixture('http-cjs/server.js');
/** Starts, and waits until all workers serve: one that is just starting has a busy loop, too. */
async function run(t, ...args) {
  const app = await startFettle({ t, target, args });
  await app.serving(Number(args[args.indexOf('-w') + 1]));
  return app;
}

/** Blocks a worker's loop for `ms`; resolves with { pid, at } when the answer has come. */
const spin = (app, ms) =>
  app.get(`/spin?ms=${ms}`).then((answer) => ({ pid: answer.json().pid, at: performance.now() }));

/** Waits until `count` loops have been running for more than a moment. */
const blocked = (app, count) =>
  app.until(async () => {
    const rows = (await app.workers()).filter((row) => row.busy_ms > 50);
    return rows.length === count && rows.map((row) => row.pid);
  }, { what: `${count} blocked loops` });

test('idle-first: nothing waits behind a blocked loop while another is free', { skip }, async (t) => {
  const app = await run(t, '-w', '2');
  const slow = spin(app, 4000);
  const [pid] = await blocked(app, 1);
  const pids = new Set();
  for (let n = 0; n < 100; n++) pids.add((await app.get('/who')).json().pid);
  const done = performance.now();
  const { pid: spun, at } = await slow;
  assert.ok(done < at, 'a hundred requests were served while one loop was blocked');
  assert.equal(spun, pid);
  assert.ok(!pids.has(pid));
});

test('idle-first: a kept-alive connection is not bound to a worker', { skip }, async (t) => {
  const { Agent } = await import('node:http');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const app = await run(t, '-w', '2');
  const ports = new Set();
  const pids = new Set();
  for (let n = 0; n < 20; n++) {
    const answer = await app.get('/who', { agent });
    ports.add(answer.localPort);
    pids.add(answer.json().pid);
  }
  assert.equal(ports.size, 1);
  const slow = spin(app, 3000);
  const [pid] = await blocked(app, 1);
  for (let n = 0; n < 20; n++) assert.notEqual((await app.get('/who', { agent })).json().pid, pid);
  assert.ok(performance.now() < (await slow).at);
});

test('idle-first: when all loops are blocked, the first that comes free serves', { skip }, async (t) => {
  const app = await run(t, '-w', '2');
  const long = spin(app, 5000);
  await blocked(app, 1);
  const short = spin(app, 1000);
  await blocked(app, 2);
  const waited = await app.get('/who');
  const at = performance.now();
  assert.equal(waited.json().pid, (await short).pid);
  assert.ok(at < (await long).at);
});

test('idle-first: hundreds of requests that only wait share one loop', { skip }, async (t) => {
  const app = await run(t, '-w', '1');
  const start = performance.now();
  const answers = await Promise.all(Array.from({ length: 300 }, () => app.get('/slow?ms=500')));
  assert.ok(answers.every((answer) => answer.status === 200));
  // One after the other they would take 150 s.
  assert.ok(performance.now() - start < 20000);
});

test('the central queue has a length and a time', { skip }, async (t) => {
  await t.test('--queue-max', async (t) => {
    const app = await run(t, '-w', '1', '--queue-max', '5');
    const slow = spin(app, 3000);
    await blocked(app, 1);
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.get('/who')));
    const refused = answers.filter((answer) => answer.status === 503);
    assert.equal(refused.length, 15);
    assert.equal(answers.filter((answer) => answer.status === 200).length, 5);
    for (const { ms, headers } of refused) assert.ok(ms < 2900 && 'retry-after' in headers, JSON.stringify(headers));
    await slow;
  });
  await t.test('--queue-timeout', async (t) => {
    const app = await run(t, '-w', '1', '--queue-timeout', '300ms');
    const slow = spin(app, 3000);
    await blocked(app, 1);
    const answer = await app.get('/who');
    assert.equal(answer.status, 503);
    assert.ok(performance.now() < (await slow).at);
    assert.equal((await app.get('/who')).status, 200);
  });
});

test('a client that breaks off leaves the queue', { skip }, async (t) => {
  const app = await run(t, '-w', '1', '--queue-max', '1');
  const slow = spin(app, 3000);
  await blocked(app, 1);
  const gone = connect(app.port, '127.0.0.1');
  gone.on('error', () => {});
  await new Promise((done) => gone.write('GET /who HTTP/1.1\r\nhost: x\r\n\r\n', done));
  await app.until(async () => (await app.get('/who')).status === 503, { what: 'a full queue' });
  gone.resetAndDestroy();
  const next = await app.until(async () => (await app.get('/who')).status === 200, { what: 'its place to be free' });
  assert.ok(next);
  await slow;
});

test('round-robin takes turns', { skip }, async (t) => {
  const app = await run(t, '-w', '3', '--balance', 'round-robin');
  const pids = [];
  for (let n = 0; n < 12; n++) pids.push((await app.get('/who')).json().pid);
  assert.equal(new Set(pids).size, 3);
  for (let n = 3; n < 12; n++) assert.equal(pids[n], pids[n - 3]);
});

test('least-conn avoids workers with requests under way', { skip }, async (t) => {
  const app = await run(t, '-w', '2', '--balance', 'least-conn');
  const held = Array.from({ length: 4 }, () => app.get('/slow?ms=2500'));
  await app.until(async () => (await app.workers()).every((row) => row.in_flight === 2), { what: 'two requests each' });
  const [a, b] = (await Promise.all(held)).reduce((counts, answer) => {
    const { pid } = answer.json();
    return counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }, new Map()).values();
  assert.deepEqual([a, b], [2, 2]);

  const one = app.get('/slow?ms=2500');
  await app.until(async () => (await app.workers()).some((row) => row.in_flight === 1));
  const others = new Set();
  for (let n = 0; n < 10; n++) others.add((await app.get('/who')).json().pid);
  assert.ok(!others.has((await one).json().pid));
  assert.equal(others.size, 1);
});

test('hash: the same client, cookie or header field always meets the same worker', { skip }, async (t) => {
  const who = {
    'hash:ip': (n) => ({ localAddress: `127.0.1.${n + 1}` }),
    'hash:cookie=sid': (n) => ({ headers: { cookie: `a=b; sid=visitor-${n}; c=d${Math.random()}` } }),
    'hash:header=X-Tenant': (n) => ({ headers: { 'x-tenant': `tenant-${n}` } }),
  };
  for (const [balance, as] of Object.entries(who))
    await t.test(balance, async (t) => {
      const app = await run(t, '-w', '3', '--balance', balance);
      const rows = await app.serving(3);
      const ask = async (n) => (await app.get('/who', as(n))).json().pid;
      const home = [];
      for (let n = 0; n < 60; n++) home[n] = await ask(n);
      assert.equal(new Set(home).size, 3, 'all workers are used');
      for (let n = 0; n < 60; n++) assert.equal(await ask(n), home[n]);

      // A worker that dies and is back has its own again; the others never moved.
      process.kill(rows[0].pid, 'SIGKILL');
      await app.until(async () => (await app.serving(3)).every((row) => row.pid !== rows[0].pid));
      let moved = 0;
      for (let n = 0; n < 60; n++) if ((await ask(n)) !== home[n] && home[n] !== rows[0].pid) moved++;
      assert.equal(moved, 0);
    });
});
