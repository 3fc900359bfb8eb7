// Connections that stay: WebSocket by `ws`, Socket.IO, and servers that are not HTTP for fettle
// (https, http2, raw net), which it passes on as byte streams.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import WebSocket from 'ws';
import { io } from 'socket.io-client';
import { BARE, MAJORS, PATIENCE_MS, address, fixture, freePort, nodeOf, poll, request, start, startFettle } from './helpers/fettle.mjs';
import { certificate } from './helpers/tls.mjs';

const CLIENT = '127.0.0.3';
const needsFettle = { skip: BARE && 'needs fettle' };

const within = (promise, what) => {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`${what}: nothing within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

// ---- ws ----------------------------------------------------------------------------------------

/** A WebSocket with its messages in a list: next() takes the next one. */
async function openSocket(t, port, options = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, { handshakeTimeout: PATIENCE_MS, ...options });
  t.after(() => socket.terminate());
  socket.on('error', () => {}); // shows as a close that nobody asked for
  const waiting = [];
  const come = [];
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? data : String(data);
    if (waiting.length > 0) waiting.shift()(message);
    else come.push(message);
  });
  const next = () =>
    within(come.length > 0 ? Promise.resolve(come.shift()) : new Promise((done) => waiting.push(done)), 'a message');
  const closed = new Promise((done) => socket.once('close', (code, reason) => done({ code, reason: String(reason) })));
  await within(new Promise((done) => socket.once('open', done)), 'the handshake');
  return { socket, next, closed: () => within(closed, 'the close'), hello: JSON.parse(await next()) };
}

async function checkSocket(t, app) {
  const { socket, next, hello, closed } = await openSocket(t, app.port, { localAddress: CLIENT, origin: 'http://localhost' });
  assert.equal(address(hello.remoteAddress), CLIENT);
  assert.equal(hello.remotePort, socket._socket.localPort);
  assert.equal(hello.localPort, app.port);
  assert.equal(hello.headers.origin, 'http://localhost');
  assert.equal(hello.headers.host, `127.0.0.1:${app.port}`);
  if (!BARE) assert.equal(address(hello.headers['x-forwarded-for']), CLIENT);

  for (const text of ['', 'one', 'Grüße, 世界', 'x'.repeat(200000)]) {
    socket.send(text);
    assert.equal(await next(), text);
  }
  const bytes = Buffer.alloc(3 << 20, 'fettle');
  socket.send(bytes);
  assert.ok(bytes.equals(await next()));
  for (let n = 0; n < 500; n++) socket.send(String(n));
  for (let n = 0; n < 500; n++) assert.equal(await next(), String(n));

  const pong = once(socket, 'pong');
  socket.ping('are you there');
  assert.equal(String((await within(pong, 'a pong'))[0]), 'are you there');
  socket.send('close me');
  assert.deepEqual(await closed(), { code: 4001, reason: 'as asked' });
}

test('WebSocket by ws', async (t) => {
  const app = await start({ t, target: fixture('ws/server.js') });

  await t.test('messages of all sizes go both ways, and the close', (t) => checkSocket(t, app));

  await t.test('a client that closes is told so by its own code', async (t) => {
    const { socket, closed } = await openSocket(t, app.port);
    socket.close(4002, 'enough');
    assert.deepEqual(await closed(), { code: 4002, reason: 'enough' });
  });

  await t.test('HTTP on the same port goes on', async () => {
    assert.equal((await app.get('/x')).json().url, '/x');
  });

  await t.test('many sockets spread over both workers', needsFettle, async (t) => {
    const pids = new Set();
    const sockets = [];
    for (let n = 0; n < 20; n++) sockets.push(await openSocket(t, app.port));
    for (const { hello } of sockets) pids.add(hello.pid);
    assert.equal(pids.size, 2);
    for (const [n, { socket, next }] of sockets.entries()) {
      socket.send(`mine ${n}`);
      assert.equal(await next(), `mine ${n}`);
    }
  });

  await t.test('a refused upgrade is answered', async (t) => {
    const socket = new WebSocket(`ws://127.0.0.1:${app.port}/elsewhere`);
    t.after(() => socket.terminate());
    socket.on('error', () => {});
    const [, res] = await within(once(socket, 'unexpected-response'), 'a refusal');
    assert.equal(res.statusCode, 400);
  });

  await t.test('SIGTERM closes with the app\'s own code', async (t) => {
    const { closed } = await openSocket(t, app.port);
    app.kill('SIGTERM');
    assert.equal((await closed()).code, 1001);
    assert.equal((await app.exit()).code, 0);
  });
});

for (const major of MAJORS) {
  const node = nodeOf(major);
  test(`WebSocket on Node ${major}`, { skip: !node && `Node ${major} is not installed: run scripts/nodes` }, async (t) => {
    await checkSocket(t, await start({ t, target: fixture('ws/server.js'), node }));
  });
}

// ---- Socket.IO ---------------------------------------------------------------------------------

async function openIo(t, port, options) {
  const socket = io(`http://127.0.0.1:${port}`, { forceNew: true, reconnection: false, ...options });
  t.after(() => socket.close());
  const failed = new Promise((_, no) => {
    socket.once('connect_error', no);
    socket.once('disconnect', (reason) => no(new Error(`disconnected: ${reason}`)));
  });
  failed.catch(() => {});
  const hello = await within(Promise.race([new Promise((done) => socket.once('hello', done)), failed]), 'hello');
  return { socket, hello, echo: (value) => Promise.race([socket.timeout(PATIENCE_MS).emitWithAck('echo', value), failed]) };
}

async function checkIo(t, port, options) {
  const { socket, hello, echo } = await openIo(t, port, options);
  assert.equal(hello.transport, options.transports[0]);
  assert.equal(address(hello.address), '127.0.0.1');
  if (!BARE) assert.equal(address(hello.forwarded), '127.0.0.1');
  for (const value of ['one', { list: [1, 2, 3] }, 'x'.repeat(50000)])
    assert.deepEqual(await echo(value), { pid: hello.pid, value });
  for (let n = 0; n < 10; n++) assert.equal((await echo(n)).pid, hello.pid);
  socket.close();
  return hello.pid;
}

test('Socket.IO by WebSocket alone needs no stickiness', async (t) => {
  const app = await start({ t, target: fixture('socketio/server.js') });
  const pids = new Set();
  for (let n = 0; n < 8; n++) pids.add(await checkIo(t, app.port, { transports: ['websocket'] }));
  if (!BARE) assert.equal(pids.size, 2);
});

test('Socket.IO that polls stays with its worker', async (t) => {
  for (const [balance, number] of [
    ['hash:cookie=visitor', 12],
    ['hash:header=x-visitor', 12],
    ['hash:ip', 3],
  ])
    await t.test(`--balance ${balance}`, async (t) => {
      const app = await start({ t, target: fixture('socketio/server.js'), args: ['--balance', balance] });
      if (!BARE) await app.serving(2); // a second worker that comes later takes over some keys
      const pids = new Set();
      for (let n = 0; n < number; n++)
        pids.add(
          await checkIo(t, app.port, {
            transports: ['polling'],
            extraHeaders: { cookie: `theme=dark; visitor=${n}`, 'x-visitor': `${n}` },
          }),
        );
      if (!BARE) assert.equal(pids.size, balance === 'hash:ip' ? 1 : 2);
    });

  await t.test('and its upgrade to WebSocket as well', async (t) => {
    const app = await start({ t, target: fixture('socketio/server.js'), args: ['--balance', 'hash:ip'] });
    if (!BARE) await app.serving(2);
    const { socket, hello, echo } = await openIo(t, app.port, { transports: ['polling', 'websocket'] });
    const { engine } = socket.io;
    await poll(() => engine.transport.name === 'websocket');
    assert.equal((await echo('after')).pid, hello.pid);
  });
});

// ---- byte streams ------------------------------------------------------------------------------

test('https', async (t) => {
  const { key, cert } = certificate();
  const app = await start({ t, target: fixture('https/server.js'), env: { KEY: key, CERT: cert } });
  const ca = fs.readFileSync(cert);
  const ask = (options) => request({ transport: https, port: app.port, ca, ...options });
  const pids = new Set();
  await poll(async () => {
    const answer = await ask({ localAddress: CLIENT });
    const seen = answer.json();
    assert.equal(address(seen.remoteAddress), CLIENT);
    assert.equal(seen.remotePort, answer.localPort);
    assert.equal(seen.localPort, app.port);
    assert.equal(seen.address.port, app.port);
    assert.equal(seen.encrypted, true);
    pids.add(seen.pid);
    return BARE || pids.size === 2;
  });
  const value = { big: 'x'.repeat(500000) };
  const echoed = await ask({ path: '/echo', method: 'POST', body: JSON.stringify(value) });
  assert.deepEqual(echoed.json().got, value);

  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
  t.after(() => agent.destroy());
  const first = await ask({ agent });
  const second = await ask({ agent });
  assert.equal(first.localPort, second.localPort, 'the connection is kept');
  assert.equal(first.json().pid, second.json().pid);
});

test('http2, on TLS and in clear text', async (t) => {
  const { key, cert } = certificate();
  const PORT2 = String(await freePort());
  const app = await start({ t, target: fixture('http2/server.js'), env: { KEY: key, CERT: cert, PORT2 } });
  const ca = fs.readFileSync(cert);

  const ask = (session, headers, body) =>
    within(
      new Promise((done, failed) => {
        const req = session.request(headers);
        let text = '';
        req.setEncoding('utf8').on('data', (part) => (text += part));
        req.on('error', failed).on('end', () => done(JSON.parse(text)));
        req.end(body);
      }),
      'an answer',
    );

  for (const [name, url, port] of [
    ['TLS', `https://localhost:${app.port}`, app.port],
    ['clear', `http://localhost:${PORT2}`, Number(PORT2)],
  ])
    await t.test(name, async (t) => {
      const pids = new Set();
      for (let n = 0; n < 8; n++) {
        const session = http2.connect(url, { ca, localAddress: CLIENT, family: 4 });
        t.after(() => session.destroy());
        session.on('error', () => {});
        const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(session, { ':path': `/${i}` })));
        answers.forEach((seen, i) => {
          assert.equal(seen.url, `/${i}`);
          assert.equal(seen.httpVersion, '2.0');
          assert.equal(address(seen.remoteAddress), CLIENT);
          assert.equal(seen.remotePort, session.socket.localPort);
          assert.equal(seen.address.port, port);
          assert.equal(seen.pid, answers[0].pid, 'a connection has one worker');
        });
        const body = JSON.stringify({ big: 'x'.repeat(300000) });
        assert.equal(JSON.stringify((await ask(session, { ':path': '/echo', ':method': 'POST' }, body)).got), body);
        pids.add(answers[0].pid);
        await new Promise((done) => session.close(done));
      }
      if (!BARE) assert.equal(pids.size, 2);
    });

  await t.test('HTTP/1.1 on the TLS port', async () => {
    const seen = (await request({ transport: https, port: app.port, ca })).json();
    assert.equal(seen.httpVersion, '1.1');
  });
});

/** A client of the line protocol: the hello, then line(text) sends and takes the answer. */
async function openLines(t, port, more) {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...more });
  t.after(() => socket.destroy());
  let text = '';
  let wake = () => {};
  let ended = false;
  socket.setEncoding('utf8').on('data', (part) => {
    text += part;
    wake();
  });
  socket.on('end', () => {
    ended = true;
    wake();
  });
  socket.on('error', () => {});
  const next = () =>
    within(
      (async () => {
        while (!text.includes('\n')) {
          if (ended) return null;
          await new Promise((done) => {
            wake = done;
          });
        }
        const at = text.indexOf('\n');
        const line = text.slice(0, at);
        text = text.slice(at + 1);
        return line;
      })(),
      'a line',
    );
  return { socket, next, hello: JSON.parse(await next()) };
}

test('raw net', async (t) => {
  const app = await start({ t, target: fixture('net/server.js') });

  await t.test('the server speaks first and knows the client', async (t) => {
    const { socket, next, hello } = await openLines(t, app.port, { localAddress: CLIENT });
    assert.equal(address(hello.remoteAddress), CLIENT);
    assert.equal(hello.remotePort, socket.localPort);
    assert.equal(hello.localPort, app.port);
    assert.equal(hello.address.port, app.port);
    socket.write('hello\nworld\n');
    assert.equal(await next(), 'HELLO');
    assert.equal(await next(), 'WORLD');
    socket.write('quit\n');
    assert.equal(await next(), 'bye');
    assert.equal(await next(), null);
  });

  await t.test('half-close: what was sent before the end is answered after it', async (t) => {
    const { socket, next } = await openLines(t, app.port);
    socket.end('last words\n');
    assert.equal(await next(), 'LAST WORDS');
    assert.equal(await next(), 'end');
    assert.equal(await next(), null);
  });

  await t.test('megabytes both ways at once', async (t) => {
    const { socket, next } = await openLines(t, app.port);
    const line = 'abcdefghij'.repeat(100);
    const count = 4000;
    (async () => {
      for (let n = 0; n < count; n++) if (!socket.write(`${line}\n`)) await once(socket, 'drain');
      socket.end();
    })();
    for (let n = 0; n < count; n++) assert.equal(await next(), line.toUpperCase());
    assert.equal(await next(), 'end');
  });

  await t.test('connections spread over both workers', needsFettle, async (t) => {
    const pids = new Set();
    for (let n = 0; n < 10; n++) pids.add((await openLines(t, app.port)).hello.pid);
    assert.equal(pids.size, 2);
  });

  await t.test('an address that a client claims is not believed', needsFettle, async (t) => {
    const forged = await startFettle({ t, target: fixture('net/server.js'), args: ['-w', '1'] });
    const { socket, next, hello } = await openLines(t, forged.port);
    assert.equal(address(hello.remoteAddress), '127.0.0.1');
    socket.write('PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\nmore\n');
    assert.match(await next(), /^PROXY TCP4/);
    assert.equal(await next(), 'MORE');
  });
});
