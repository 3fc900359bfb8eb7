// proxy_limits.test.mjs -- everything that a stranger can grow or hold has a limit and a clear answer
import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import { fixture, rssOf, sleep, startFettle } from './helpers/fettle.mjs';
import { Wire, ask, get, seen } from './helpers/wire.mjs';

const CONNECTIONS = 30;
const TIMEOUT_MS = 400;
const BODY_MAX = 100000;

let run;
before(async () => {
  run = await startFettle({
    target: fixture('proxy'),
    args: [
      ...['-w', '1', '--threads', '1', '--max-line', '200', '--max-head', '2K', '--max-fields', '20'],
      ...['--max-body', String(BODY_MAX), '--max-connections', String(CONNECTIONS)],
      ...['--head-timeout', `${TIMEOUT_MS}ms`, '--body-timeout', `${TIMEOUT_MS}ms`],
      ...['--idle-timeout', `${TIMEOUT_MS}ms`, '--write-timeout', `${TIMEOUT_MS}ms`],
    ],
  });
});
after(() => run?.stop());

/** Asks, and wants this status, a closed connection, and an app that has seen nothing. */
async function refused(bytes, status, { unseen = true } = {}) {
  const before_ = (await seen(run.port)).requests;
  const response = await ask(run.port, bytes);
  assert.equal(response.status, status, response.text);
  assert.equal(response.get('connection'), 'close');
  await response.wire.end();
  response.wire.destroy();
  if (unseen) assert.equal((await seen(run.port)).requests, before_);
  return response;
}

async function served(bytes, status = 200) {
  const response = await ask(run.port, bytes);
  response.wire.destroy();
  assert.equal(response.status, status, response.text);
  return response;
}

// "GET " and " HTTP/1.1" are 13 bytes.
const path = (lineBytes) => `/inspect?${'x'.repeat(lineBytes - 13 - 9)}`;

test('a request line may be as long as --max-line says, then 414', async () => {
  await served(get(path(200)));
  await refused(get(path(201)), 414);
  await refused(get(path(1500)), 414);
});

test('a 414 does not wait for the end of the line', async () => {
  await refused(`GET /${'x'.repeat(400)}`, 414);
});

test('a head may be as large as --max-head says, then 431', async () => {
  const rest = get('/inspect', { 'x-fill': '' }).length;
  await served(get('/inspect', { 'x-fill': 'y'.repeat(2048 - rest) }));
  await refused(get('/inspect', { 'x-fill': 'y'.repeat(2049 - rest) }), 431);
  await refused(get('/inspect', { 'x-fill': 'y'.repeat(60000) }), 431);
});

test('a head may have as many fields as --max-fields says, then 431', async () => {
  const fields = (n) => Object.fromEntries(Array.from({ length: n - 1 }, (_, i) => [`x-${i}`, '1']));
  await served(get('/inspect', fields(20)));
  await refused(get('/inspect', fields(21)), 431);
});

test('a body may be as large as --max-body says, then 413', async () => {
  const body = (n) => get('/sink', {}, { method: 'POST', body: 'b'.repeat(n) });
  assert.equal((await served(body(BODY_MAX))).json().bytes, BODY_MAX);
  await refused(body(BODY_MAX + 1), 413);
});

test('a body announced too large is refused before it is sent', async () => {
  await refused(get('/sink', { 'content-length': 1e15 }, { method: 'POST' }), 413);
  await refused(get('/sink', { 'content-length': BODY_MAX + 1, expect: '100-continue' }, { method: 'PUT' }), 413);
});

test('a chunked body that grows too large is broken off', async () => {
  const head = get('/sink', { 'transfer-encoding': 'chunked' }, { method: 'POST' });
  const chunk = `2710\r\n${'c'.repeat(10000)}\r\n`;
  const good = await served(`${head}${chunk.repeat(10)}0\r\n\r\n`);
  assert.equal(good.json().bytes, BODY_MAX);
  await refused(`${head}${chunk.repeat(10)}1\r\nx\r\n0\r\n\r\n`, 413, { unseen: false });
  await refused(`${head}ffffffff\r\n`, 413, { unseen: false });
  await run.until(async () => (await seen(run.port)).events.includes('aborted POST /sink'));
});

test('a head that does not come gets a 408', async () => {
  const began = performance.now();
  await refused('GET /hello HTTP/1.1\r\nHost: a\r\n', 408);
  assert.ok(performance.now() - began >= TIMEOUT_MS);
});

test('a head that comes byte by byte does not get more time for it', async () => {
  const wire = await Wire.open(run.port);
  const sending = wire.sendSlowly(`GET /hello HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(1000)}`, TIMEOUT_MS / 8);
  const response = await wire.response();
  assert.equal(response.status, 408);
  wire.destroy();
  await sending;
});

test('slow heads on many connections do not keep others out', async () => {
  const slow = await Promise.all(Array.from({ length: CONNECTIONS - 10 }, () => Wire.open(run.port)));
  slow.forEach((wire) => wire.send('GET /hello HTTP/1.1\r\n'));
  assert.equal((await served(get('/hello'))).text, 'hello\n');
  for (const wire of slow) {
    assert.equal((await wire.response()).status, 408);
    wire.destroy();
  }
});

test('a body that stops coming gets a 408', async () => {
  const began = performance.now();
  await refused(`${get('/sink?stop', { 'content-length': 50000 }, { method: 'PUT' })}begun`, 408, { unseen: false });
  assert.ok(performance.now() - began >= TIMEOUT_MS);
  await run.until(async () => (await seen(run.port)).events.includes('aborted PUT /sink?stop'));
});

test('a body that trickles in byte by byte gets a 408 too', async () => {
  const wire = await Wire.open(run.port);
  wire.send(get('/sink?trickle', { 'content-length': 50000 }, { method: 'PUT' }));
  const sending = wire.sendSlowly('t'.repeat(2000), TIMEOUT_MS / 10);
  const response = await wire.response();
  assert.equal(response.status, 408);
  wire.destroy();
  await sending;
});

test('a connection that says nothing is closed without an answer', async () => {
  for (const bytes of ['', get('/hello')]) {
    const wire = await Wire.open(run.port);
    if (bytes) assert.equal((await wire.send(bytes).response()).status, 200);
    const began = performance.now();
    assert.ok(await wire.end());
    assert.equal(wire.got.length, 0);
    assert.ok(performance.now() - began > TIMEOUT_MS * 0.8);
    wire.destroy();
  }
});

test('a client that does not read its answer is closed', async () => {
  const wire = await Wire.open(run.port);
  wire.socket.pause();
  wire.send(get('/bytes?n=50000000&slow-reader'));
  await run.until(async () =>
    (await seen(run.port)).events.some((event) => event.startsWith('closed GET /bytes?n=50000000&slow-reader')),
  );
  wire.destroy();
});

// Slower in all than the time-outs, and never as slow between two pieces.
test('who sends or reads slowly but steadily is served', async (t) => {
  const patient = await startFettle({
    t,
    target: fixture('proxy'),
    args: ['-w', '1', '--body-timeout', '3s', '--write-timeout', '3s'],
  });
  const sends = async () => {
    const wire = await Wire.open(patient.port);
    wire.send(get('/sink?steady', { 'content-length': 200000 }, { method: 'PUT' }));
    for (let i = 0; i < 20; i++) {
      wire.send('s'.repeat(10000));
      await sleep(200);
    }
    assert.equal((await wire.response()).json().bytes, 200000);
  };
  const reads = async () => {
    const wire = await Wire.open(patient.port);
    wire.send(get('/bytes?n=20000000'));
    await wire.head();
    let bytes = wire.take(wire.got.length).length;
    wire.socket.removeAllListeners('data');
    wire.socket.pause();
    while (bytes < 20000000) {
      await sleep(100);
      bytes += (wire.socket.read(Math.min(wire.socket.readableLength, 500000)) ?? '').length;
      assert.ok(!wire.ended || bytes === 20000000, `${bytes}`);
    }
  };
  await Promise.all([sends(), reads()]);
});

test('connections above --max-connections get a 503 and are closed', async () => {
  const open = [];
  const statuses = [];
  // Idle ones are closed again while we open others: ask on each at once.
  for (let i = 0; i < CONNECTIONS + 10; i++) {
    const wire = await Wire.open(run.port);
    wire.send(get('/slow?ms=3000'));
    open.push(wire);
  }
  for (const wire of open) {
    const response = await wire.response();
    statuses.push(response.status);
    if (response.status === 503) assert.equal(response.get('connection'), 'close');
    wire.destroy();
  }
  const count = (status) => statuses.filter((s) => s === status).length;
  assert.ok(count(200) <= CONNECTIONS && count(200) >= CONNECTIONS - 2, `${statuses}`);
  assert.equal(count(200) + count(503), CONNECTIONS + 10);
  await run.until(async () => (await ask(run.port, get('/hello'))).status === 200);
});

test('every refusal is counted', async () => {
  const metrics = (await run.admin('/metrics')).text;
  assert.match(metrics, /fettle_[a-z_]*refused[a-z_]*\{[^}]*\} [1-9]/, metrics.split('\n').filter((l) => /fettle_/.test(l)).join('\n'));
});

test('none of it has cost memory', async () => {
  const pid = run.helper('__proxy') ?? run.helper('proxy');
  assert.ok(pid, 'the proxy is found');
  if (!process.env.FETTLE_TEST_BUILD) assert.ok(rssOf(pid) < 30e6, `${rssOf(pid)}`);
});
