// proxy_failure.test.mjs -- workers that die, and connections to them that end at the wrong moment:
// no client hangs, and what can be saved is saved
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fixture, sleep, startFettle } from './helpers/fettle.mjs';
import { Wire, ask, get, seen } from './helpers/wire.mjs';

async function start(t, args, env = {}) {
  const marks = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-marks-'));
  t.after(() => fs.rmSync(marks, { recursive: true, force: true }));
  return startFettle({ t, target: fixture('proxy'), args, env: { MARKS: marks, ...env } });
}

async function once(run, bytes, method) {
  const response = await ask(run.port, bytes, { method });
  response.wire.destroy();
  return response;
}

test('a worker that dies', async (t) => {
  const run = await start(t, ['-w', '2']);
  let key = 0;
  /** This request ends the worker that gets it first. */
  const deadly = (method, body) => {
    key++;
    return get(`/exit-once?key=${key}`, {}, { method, body });
  };
  const steady = () => run.serving(2);

  for (const method of ['GET', 'PUT', 'DELETE', 'HEAD'])
    await t.test(`${method} is sent to another worker`, async () => {
      await steady();
      const body = method === 'PUT' ? 'put this' : undefined;
      const response = await once(run, deadly(method, body), method);
      assert.equal(response.status, 200);
      if (method !== 'HEAD') assert.equal(response.text, `second:${method}:${body ?? ''}`);
    });

  await t.test('a PUT in chunks with a small body is sent to another worker', async () => {
    await steady();
    const head = get(`/exit-once?key=chunked`, { 'transfer-encoding': 'chunked' }, { method: 'PUT' });
    const wire = await Wire.open(run.port);
    wire.send(`${head}3\r\nput\r\n`);
    await sleep(20);
    const response = await wire.send('5\r\n this\r\n0\r\n\r\n').response();
    assert.equal(response.text, 'second:PUT:put this');
    wire.destroy();
  });

  for (const method of ['POST', 'PATCH'])
    await t.test(`${method} gets a 502 at once`, async () => {
      await steady();
      const began = performance.now();
      const response = await once(run, deadly(method, 'once only'));
      assert.equal(response.status, 502);
      assert.equal(response.get('connection'), 'close');
      assert.ok(performance.now() - began < 10000);
    });

  await t.test('a PUT too large to be kept gets a 502', async () => {
    await steady();
    const response = await once(run, deadly('PUT', 'p'.repeat(300000)));
    assert.equal(response.status, 502);
  });

  await t.test('an answer that has begun breaks off where it is', async () => {
    await steady();
    const wire = await Wire.open(run.port);
    wire.send(get('/half-exit'));
    const head = await wire.head();
    assert.equal(head.get('content-length'), '1000');
    assert.equal((await wire.bytes(500)).length, 500);
    await wire.end();
    assert.equal(wire.got.length, 0);
    wire.destroy();
  });

  await t.test('an upload under way is told', async () => {
    await steady();
    const wire = await Wire.open(run.port);
    wire.send(`${get('/exit', { 'content-length': 1e6 }, { method: 'POST' })}${'x'.repeat(100000)}`);
    assert.equal((await wire.response()).status, 502);
    wire.destroy();
  });

  await t.test('requests that wait for other reasons are not touched', async () => {
    await steady();
    const waiting = [];
    for (let i = 0; i < 10; i++) {
      const wire = await Wire.open(run.port);
      waiting.push(wire.send(get('/slow?ms=400')).response().then((r) => (wire.destroy(), r)));
    }
    await sleep(50);
    await once(run, deadly('POST', ''));
    const answers = await Promise.all(waiting);
    assert.deepEqual(answers.map((r) => r.status), Array(10).fill(200)); // five of them sent again
  });

  await t.test('nothing stays in flight', async () => {
    await steady();
    await run.until(async () => (await run.workers()).every((w) => w.in_flight === 0 && w.streams === 0));
  });
  assert.ok(!/AddressSanitizer|runtime error|proxy .*(ended|restarted)/.test(run.output), run.output);
});

test('the only worker: requests wait for its successor', async (t) => {
  const run = await start(t, ['-w', '1', '--queue-timeout', '30s']);
  const killer = await Wire.open(run.port);
  killer.send(get('/exit', {}, { method: 'POST' }));
  assert.equal((await killer.response()).status, 502);
  killer.destroy();
  const answers = await Promise.all(Array.from({ length: 20 }, () => once(run, get('/pid'))));
  assert.deepEqual(answers.map((r) => r.status), Array(20).fill(200));
  assert.equal(new Set(answers.map((r) => r.text)).size, 1);
});

/** Requests of many clients with such pauses; every one must be answered. */
async function withPauses(run, clients, each, pause) {
  let wrong = [];
  let seed = 7;
  const any = (n) => (seed = (seed * 48271) % 2147483647) % n;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const wire = await Wire.open(run.port);
      for (let i = 0; i < each; i++) {
        const post = any(2) === 1;
        wire.send(get('/inspect', {}, post ? { method: 'POST', body: `body ${i}` } : {}));
        const response = await wire.response();
        if (response.status !== 200 || response.json().body !== (post ? `body ${i}` : ''))
          wrong.push(`${response.status} ${response.text}`);
        await sleep(pause(any));
      }
      wire.destroy();
    }),
  );
  assert.deepEqual(wrong, []);
}

test("Node's keep-alive time-out of 1 ms is never seen by a client", async (t) => {
  const run = await start(t, ['-w', '1'], { KEEP_ALIVE_MS: '1' });
  await withPauses(run, 20, 100, (any) => any(12));
});

test("Node's keep-alive time-out of 1 s is never seen by a client", async (t) => {
  const run = await start(t, ['-w', '2'], { KEEP_ALIVE_MS: '1000' });
  await withPauses(run, 200, 10, (any) => [any(60), 440 + any(120), 950 + any(200)][any(3)]);
});

test('an app without keep-alive is served as well', async (t) => {
  const run = await start(t, ['-w', '1'], { KEEP_ALIVE_MS: '0' });
  await withPauses(run, 10, 30, (any) => any(5));
});

// While the loop blocks, the time of the connection runs out; Node then closes it before it looks at
// what has come. The POST was never read, so it can be sent again.
test('a request on a connection that Node closes unread is sent again, whatever its method', async (t) => {
  const run = await start(t, ['-w', '1', '--threads', '1', '--balance', 'least-conn'], { KEEP_ALIVE_MS: '1000' });
  const blocker = await Wire.open(run.port);
  const poster = await Wire.open(run.port);
  assert.equal((await blocker.send(get('/answer-spin?ms=3000')).response()).status, 200);
  await sleep(100);
  const response = await poster.send(get('/inspect', {}, { method: 'POST', body: 'still here' })).response();
  assert.equal(response.status, 200, response.text);
  assert.equal(response.json().body, 'still here');
  const { events } = await seen(run.port);
  assert.equal(events.filter((event) => event === 'POST /inspect').length, 1);
  await run.until(async () => /^fettle_\w*retries\w* 1$/m.test((await run.admin('/metrics')).text), { what: 'one retry: Node has closed it' });
  blocker.destroy();
  poster.destroy();
});
