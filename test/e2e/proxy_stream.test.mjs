// proxy_stream.test.mjs -- bodies stream both ways: the proxy's memory stays flat, nothing waits for
// the whole, and who goes away is noticed.  E2E_HUGE=1 sends 10 GB each way instead of 512 MB.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test, before, after } from 'node:test';
import { fixture, rssOf, startFettle } from './helpers/fettle.mjs';
import { Wire, ask, get, seen } from './helpers/wire.mjs';

const HUGE = process.env.E2E_HUGE === '1';
const BYTES = HUGE ? 10 * 2 ** 30 : 512 * 2 ** 20;
const GROWTH_MAX = 8e6;
// A sanitizer keeps what is freed for a while, so memory says nothing then.
const SANITIZED = Boolean(process.env.FETTLE_TEST_BUILD);

let run;
before(async () => {
  run = await startFettle({ target: fixture('proxy'), args: ['-w', '1', '--threads', '1'] });
  (await ask(run.port, get('/hello'))).wire.destroy();
});
after(() => run?.stop());

const proxyRss = () => rssOf(run.helper('__proxy') ?? run.helper('proxy'));
const events = async () => (await seen(run.port)).events;

/** Runs `work` and gives by how much the proxy's memory was above its beginning at most. */
async function growth(work) {
  const before_ = proxyRss();
  let most = before_;
  const timer = setInterval(() => (most = Math.max(most, proxyRss())), 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, proxyRss()) - before_;
}

const piece = Buffer.alloc(1 << 18, 'piece');

function drained(socket) {
  return new Promise((done, failed) => {
    const gone = () => failed(new Error('the connection is gone'));
    socket.once('close', gone);
    socket.once('drain', () => {
      socket.off('close', gone);
      done();
    });
  });
}

/** Writes `bytes` bytes with respect for backpressure, framed by `frame`. */
async function upload(wire, bytes, frame = (data) => data) {
  const framed = frame(piece);
  for (let left = bytes; left > 0; left -= piece.length) {
    const data = left >= piece.length ? framed : frame(piece.subarray(0, left));
    if (wire.socket.destroyed) throw new Error('the connection is gone');
    if (!wire.socket.write(data)) await drained(wire.socket);
  }
}

/** Takes what comes until so many bytes have come, and keeps none. */
async function download(wire, bytes) {
  let got = wire.got.length;
  wire.got = Buffer.alloc(0);
  wire.socket.removeAllListeners('data');
  await new Promise((done, failed) => {
    wire.socket.on('data', (data) => {
      got += data.length;
      if (got >= bytes) done();
    });
    wire.socket.on('close', () => failed(new Error(`closed after ${got} bytes`)));
    if (got >= bytes) done();
  });
  assert.equal(got, bytes);
}

test('a huge upload with a length holds the memory flat', async () => {
  const wire = await Wire.open(run.port);
  const more = await growth(async () => {
    wire.send(get('/sink?fast', { 'content-length': BYTES }, { method: 'POST' }));
    await upload(wire, BYTES);
    assert.equal((await wire.response()).json().bytes, BYTES);
  });
  wire.destroy();
  assert.ok(SANITIZED || more < GROWTH_MAX, `${more}`);
});

test('a huge upload in chunks holds the memory flat', async () => {
  const wire = await Wire.open(run.port);
  const chunk = (data) => Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
  const more = await growth(async () => {
    wire.send(get('/sink?fast', { 'transfer-encoding': 'chunked' }, { method: 'POST' }));
    await upload(wire, BYTES, chunk);
    assert.equal((await wire.send('0\r\n\r\n').response()).json().bytes, BYTES);
  });
  wire.destroy();
  assert.ok(SANITIZED || more < GROWTH_MAX, `${more}`);
});

test('a huge download holds the memory flat', async () => {
  const wire = await Wire.open(run.port);
  const more = await growth(async () => {
    wire.send(get(`/bytes?n=${BYTES}`));
    const head = await wire.head();
    assert.equal(head.get('content-length'), String(BYTES));
    await download(wire, BYTES);
  });
  wire.destroy();
  assert.ok(SANITIZED || more < GROWTH_MAX, `${more}`);
});

test('a client that reads nothing does not make the proxy read for it', async () => {
  const wires = [];
  const more = await growth(async () => {
    for (let i = 0; i < 20; i++) {
      const wire = await Wire.open(run.port);
      wire.socket.pause();
      wire.send(get('/bytes?n=20000000'));
      wires.push(wire);
    }
    await new Promise((done) => setTimeout(done, 500));
    assert.equal((await ask(run.port, get('/hello'))).text, 'hello\n');
  });
  assert.ok(SANITIZED || more < GROWTH_MAX, `${more}`);
  for (const wire of wires) wire.reset();
});

test('what goes in comes out unchanged, in any sizes of pieces', async () => {
  const wire = await Wire.open(run.port);
  let seed = 1;
  const any = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (const framing of ['length', 'chunked']) {
    const body = Buffer.from(Array.from({ length: 300000 }, () => any(256)));
    const fields = framing === 'length' ? { 'content-length': body.length } : { 'transfer-encoding': 'chunked' };
    wire.send(get('/echo', fields, { method: 'POST' }));
    const answer = wire.response();
    for (let at = 0; at < body.length; ) {
      const part = body.subarray(at, at + 1 + any(any(10) ? 3000 : 90000));
      at += part.length;
      if (framing === 'length') wire.socket.write(part);
      else wire.socket.write(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]));
      if (any(4) === 0) await new Promise(setImmediate);
    }
    if (framing === 'chunked') wire.send('0\r\n\r\n');
    assert.ok((await answer).body.equals(body), framing);
  }
  wire.destroy();
});

// Up to 32 KB are copied; what is left of more goes through a pipe.
test('bodies around the sizes where their way changes come out whole, one after the other', async () => {
  const wire = await Wire.open(run.port);
  const all = randomBytes(3e6);
  for (const size of [16383, 16384, 16385, 32000, 32767, 32768, 32769, 65536, 98304, 262144, 1048577, 3e6])
    for (const framing of ['length', 'chunked']) {
      const body = all.subarray(0, size);
      if (framing === 'length') wire.send(get('/echo', { 'content-length': size }, { method: 'POST' }));
      else wire.send(`${get('/echo', { 'transfer-encoding': 'chunked' }, { method: 'POST' })}${size.toString(16)}\r\n`);
      const answer = wire.response();
      wire.socket.write(body);
      if (framing === 'chunked') wire.send('\r\n0\r\n\r\n');
      assert.ok((await answer).body.equals(body), `${size} bytes, ${framing}`);
      const { body: down } = await wire.send(get(`/bytes?n=${size}${framing === 'length' ? '' : '&chunked'}`)).response();
      assert.equal(down.length, size);
      assert.ok(down.equals(Buffer.alloc(size, 'abcdefgh')), `${size} bytes down, ${framing}`);
    }
  wire.destroy();
});

test('an echo arrives before the upload is over', async () => {
  const wire = await Wire.open(run.port);
  wire.send(get('/echo', { 'transfer-encoding': 'chunked' }, { method: 'POST' }));
  for (let i = 0; i < 5; i++) {
    wire.send(`6\r\npart ${i}\r\n`);
    if (i === 0) assert.equal((await wire.head()).status, 200);
    assert.equal(await wire.line(), '6');
    assert.equal(await wire.line(), `part ${i}`);
  }
  wire.send('0\r\n\r\n');
  assert.equal(await wire.line(), '0');
  wire.destroy();
});

test('server-sent events arrive one by one, as they are sent', async () => {
  const wire = await Wire.open(run.port);
  wire.send(get('/sse?ms=60'));
  const head = await wire.head();
  assert.equal(head.get('content-type'), 'text/event-stream');
  const after_ = [];
  for (let i = 0; i < 5; i++) {
    const size = parseInt(await wire.line(), 16);
    assert.equal((await wire.bytes(size)).toString(), `data: ${i}\n\n`);
    await wire.line();
    after_.push(wire.parts.length);
  }
  assert.equal(new Set(after_).size, 5, 'each came by itself');
  wire.destroy();
  await run.until(async () => (await events()).includes('closed GET /sse?ms=60'));
});

test('an early answer reaches a client that is still sending', async () => {
  const wire = await Wire.open(run.port);
  wire.send(get('/early', { 'content-length': 20e6 }, { method: 'POST' }));
  const sending = upload(wire, 20e6).catch(() => {});
  const response = await wire.response();
  assert.equal(response.status, 413);
  assert.equal(response.text, 'enough\n');
  assert.equal(response.get('connection'), 'close');
  wire.destroy();
  await sending;
  assert.equal((await ask(run.port, get('/hello'))).text, 'hello\n');
});

test('a client that goes away in its upload is gone for the app', async () => {
  for (const how of ['destroy', 'reset']) {
    const wire = await Wire.open(run.port);
    wire.send(`${get(`/sink?${how}`, { 'content-length': 1e6 }, { method: 'POST' })}begun`);
    await run.until(async () => (await events()).includes(`POST /sink?${how}`));
    wire[how]();
    await run.until(async () => (await events()).includes(`aborted POST /sink?${how}`));
  }
});

test('a client that goes away in its download is gone for the app', async () => {
  for (const how of ['destroy', 'reset']) {
    const wire = await Wire.open(run.port);
    wire.send(get(`/bytes?n=1000000000&${how}`));
    await wire.bytes(1000);
    wire[how]();
    await run.until(async () => (await events()).includes(`closed GET /bytes?n=1000000000&${how}`));
  }
});

test('a client that goes away while it waits for an answer is gone for the app', async () => {
  for (const how of ['destroy', 'reset']) {
    const wire = await Wire.open(run.port);
    wire.send(get(`/hang?${how}`));
    await run.until(async () => (await events()).includes(`GET /hang?${how}`));
    wire[how]();
    await run.until(async () => (await events()).includes(`closed GET /hang?${how}`));
  }
});

test('nothing is in flight at the end', async () => {
  await run.until(async () => (await run.workers()).every((worker) => worker.in_flight === 0));
  assert.ok(!/AddressSanitizer|runtime error|restarted/.test(run.output), run.output);
});
