// proxy_upgrade.test.mjs -- upgrades and WebSockets: bytes both ways, from the very first one on
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test, before, after } from 'node:test';
import { fixture, startFettle } from './helpers/fettle.mjs';
import { Wire, get, seen } from './helpers/wire.mjs';

let run;
before(async () => {
  run = await startFettle({ target: fixture('proxy'), args: ['-w', '1', '--threads', '1'] });
});
after(() => run?.stop());

const upgrade = (path, protocol = 'websocket', more = {}) =>
  get(path, { connection: 'keep-alive, Upgrade', upgrade: protocol, ...more });

async function switched(path, options = {}) {
  const wire = await Wire.open(run.port);
  wire.send(upgrade(path, options.protocol, options.fields) + (options.early ?? ''));
  const response = await wire.response();
  assert.equal(response.status, 101);
  assert.equal(response.get('upgrade'), options.protocol ?? 'websocket');
  assert.equal(response.get('connection'), 'upgrade');
  return wire;
}

const events = async () => (await seen(run.port)).events;

test('bytes go both ways after the switch', async () => {
  const wire = await switched('/a');
  for (const text of ['ping', 'x'.repeat(1000), '\0\xff\r\n\r\nGET / HTTP/1.1\r\n\r\n']) {
    wire.send(text);
    assert.equal((await wire.bytes(text.length)).toString('latin1'), text);
  }
  wire.destroy();
});

test('bytes that the client sent with its request come first', async () => {
  const wire = await switched('/early', { early: 'early bird' });
  assert.equal((await wire.bytes(10)).toString(), 'early bird');
  wire.send(' and more');
  assert.equal((await wire.bytes(9)).toString(), ' and more');
  wire.destroy();
});

test('bytes that the app sends with its 101 are not lost', async () => {
  const wire = await switched('/hello', { early: 'then me' });
  assert.equal((await wire.bytes(26)).toString(), 'hello from the app\nthen me');
  wire.destroy();
});

test('a request that comes byte by byte is switched as well', async () => {
  const wire = await Wire.open(run.port);
  const sending = wire.sendSlowly(`${upgrade('/slow')}abc`);
  assert.equal((await wire.response()).status, 101);
  assert.equal((await wire.bytes(3)).toString(), 'abc');
  await sending;
  wire.destroy();
});

test('any protocol may be switched to, but not HTTP/2', async () => {
  (await switched('/other', { protocol: 'chat/2' })).destroy();
  const wire = await Wire.open(run.port);
  const response = await wire.send(upgrade('/hello', 'h2c', { 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' })).response();
  assert.equal(response.status, 200); // as if it had not asked
  assert.equal(response.text, 'hello\n');
  wire.destroy();
});

test('the app may refuse', async () => {
  const wire = await Wire.open(run.port);
  const response = await wire.send(upgrade('/refuse')).response();
  assert.equal(response.status, 403);
  assert.equal(response.text, 'no');
  wire.destroy();
});

test('Upgrade without Connection: upgrade, or in HTTP/1.0, is no upgrade', async () => {
  const wire = await Wire.open(run.port);
  assert.equal((await wire.send(get('/hello', { upgrade: 'websocket' })).response()).status, 200);
  wire.send(get('/hello', { connection: 'upgrade', upgrade: 'websocket' }, { version: '1.0' }));
  assert.equal((await wire.response()).status, 200);
  wire.destroy();
});

test('an upgrade may follow other requests on its connection', async () => {
  const wire = await Wire.open(run.port);
  wire.send(`${get('/hello')}${get('/slow?ms=50')}${upgrade('/after')}tail`);
  assert.equal((await wire.response()).text, 'hello\n');
  assert.equal((await wire.response()).status, 200);
  assert.equal((await wire.response()).status, 101);
  assert.equal((await wire.bytes(4)).toString(), 'tail');
  wire.destroy();
});

test('megabytes pass in both directions at once, unchanged', async () => {
  const wire = await switched('/bulk');
  const bytes = 20e6;
  const sent = createHash('sha1');
  const got = createHash('sha1');
  let received = 0;
  let left = bytes;
  const pump = () => {
    while (left > 0) {
      const piece = Buffer.alloc(Math.min(left, 60000), `${left}`);
      left -= piece.length;
      sent.update(piece);
      if (!wire.socket.write(piece)) return wire.socket.once('drain', pump);
    }
    return undefined;
  };
  pump();
  while (received < bytes) {
    const part = await wire.until(() => (wire.got.length ? wire.take(wire.got.length) : null), 'more');
    received += part.length;
    got.update(part);
  }
  assert.equal(received, bytes);
  assert.equal(got.digest('hex'), sent.digest('hex'));
  wire.destroy();
});

test('the end of one direction is passed on, and the other goes on', async () => {
  const wire = await switched('/half', { early: 'x'.repeat(100000) });
  wire.send('y'.repeat(100000)).finish();
  assert.equal((await wire.bytes(200000)).toString(), 'x'.repeat(100000) + 'y'.repeat(100000));
  assert.ok(await wire.end());
  await run.until(async () => (await events()).includes('gone /half'));
  wire.destroy();
});

test('a client that vanishes is gone for the app', async () => {
  const wire = await switched('/vanish');
  wire.reset();
  await run.until(async () => (await events()).includes('gone /vanish'));
});

test('streams are counted while they are open, and no longer', async () => {
  const streams = async () => (await run.workers())[0].streams;
  const wires = [];
  for (let i = 0; i < 5; i++) wires.push(await switched(`/count${i}`));
  await run.until(async () => (await streams()) >= 5);
  wires.forEach((wire) => wire.destroy());
  await run.until(async () => (await streams()) === 0);
});

test('streams and requests live side by side', async () => {
  const wires = [];
  for (let i = 0; i < 50; i++) wires.push(await switched(`/many${i}`));
  const http = await Wire.open(run.port);
  for (let i = 0; i < 50; i++) {
    wires[i].send(`message ${i}`);
    assert.equal((await http.send(get('/hello')).response()).text, 'hello\n');
  }
  for (let i = 0; i < 50; i++)
    assert.equal((await wires[i].bytes(`message ${i}`.length)).toString(), `message ${i}`);
  wires.forEach((wire) => wire.destroy());
  http.destroy();
});

test('a worker that dies ends its streams', async () => {
  const wire = await switched('/dies');
  const ended = wire.end();
  const killer = await Wire.open(run.port);
  killer.send(get('/exit', {}, { method: 'POST' }));
  assert.equal((await killer.response()).status, 502);
  await ended;
  wire.destroy();
  killer.destroy();
  await run.until(async () => (await run.get('/hello')).status === 200);
});

test('nothing went wrong inside', () => {
  assert.ok(!/AddressSanitizer|runtime error/.test(run.output), run.output);
});
