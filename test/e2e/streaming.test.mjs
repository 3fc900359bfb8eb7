// Bodies of any size in both directions, at the speed of the slower side, and clients that leave.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { Readable } from 'node:stream';
import { BARE, fixture, poll, raw, request, rssOf, sleep, start } from './helpers/fettle.mjs';

const target = fixture('http-cjs/server.js');
const MIB = 1 << 20;
const proxyOf = (app) => (BARE ? app.pid : app.helper('proxy'));

/** The most that a process's resident size grows while `work` is done. */
async function growth(pid, work) {
  const before = rssOf(pid);
  let most = before;
  let ended = false;
  const watching = (async () => {
    while (!ended) {
      most = Math.max(most, rssOf(pid));
      await sleep(20);
    }
  })();
  try {
    await work();
  } finally {
    ended = true;
    await watching;
  }
  return most - before;
}

test('a large upload streams through', { timeout: 180000 }, async (t) => {
  const app = await start({ t, target });
  const piece = Buffer.alloc(256 * 1024, 'abcdefgh');
  const count = 1024; // 256 MiB
  for (const chunked of [false, true]) {
    const hash = createHash('sha256');
    const body = Readable.from(
      (function* pieces() {
        for (let n = 0; n < count; n++) {
          hash.update(piece);
          yield piece;
        }
      })(),
    );
    const headers = chunked ? {} : { 'content-length': count * piece.length };
    const grown = await growth(proxyOf(app), async () => {
      const answer = await app.get('/hash', { method: 'POST', body, headers, timeout: 150000 });
      assert.deepEqual(answer.json(), { bytes: count * piece.length, sha256: hash.digest('hex') });
    });
    if (!BARE) assert.ok(grown < 16 * MIB, `the proxy grew by ${grown} bytes`);
  }
});

test('a large download streams through, at the pace of a client that pauses', { timeout: 180000 }, async (t) => {
  const app = await start({ t, target });
  const bytes = 512 * MIB;
  const grown = await growth(proxyOf(app), () =>
    new Promise((done, failed) => {
      http.get({ port: app.port, path: `/download?bytes=${bytes}`, agent: false }, (res) => {
        let got = 0;
        let paused = false;
        res.on('data', (part) => {
          got += part.length;
          if (!paused && got > 8 * MIB) {
            paused = true;
            res.pause();
            setTimeout(() => res.resume(), 1000);
          }
        });
        res.on('error', failed);
        res.on('end', () => {
          assert.equal(got, bytes);
          done();
        });
      }).on('error', failed);
    }),
  );
  if (!BARE) assert.ok(grown < 16 * MIB, `the proxy grew by ${grown} bytes`);
});

test('a client that reads nothing holds up the app, not the proxy\'s memory', async (t) => {
  const app = await start({ t, target });
  const sockets = [];
  const grown = await growth(proxyOf(app), async () => {
    for (let n = 0; n < 50; n++) {
      const socket = net.connect(app.port, '127.0.0.1');
      t.after(() => socket.destroy());
      socket.on('error', () => {});
      socket.pause();
      socket.write(`GET /download?bytes=${64 * MIB} HTTP/1.1\r\nhost: x\r\n\r\n`);
      sockets.push(socket);
    }
    await sleep(1500);
    assert.equal((await app.get('/')).status, 200, 'others are served');
  });
  sockets.forEach((socket) => socket.destroy());
  if (!BARE) assert.ok(grown < 50 * MIB, `50 connections took ${grown} bytes`);
});

// What Node does by itself, an app relies on to clean up after event streams and long polls.
test('the app hears that a client has left', async (t) => {
  const app = await start({ t, target, args: ['-w', '1'] });
  for (const [name, query] of [
    ['in the middle of a stream', ''],
    ['before the first byte', '&silent'],
  ])
    await t.test(name, async () => {
      const label = query ? 'silent' : 'stream';
      const socket = net.connect(app.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(`GET /hold?name=${label}${query} HTTP/1.1\r\nhost: x\r\n\r\n`);
      if (query) await sleep(300);
      else await new Promise((done) => socket.on('data', (data) => String(data).includes('begun') && done()));
      socket.destroy();
      await app.line(new RegExp(`left ${label}`), { timeout: 10000 });
      if (!BARE) await app.until(async () => (await app.workers()).every((row) => row.in_flight === 0));
    });
});

test('the fine print of HTTP/1.1', async (t) => {
  const app = await start({ t, target });
  const send = (text, options) => raw(app.port, text, { timeout: 10000, ...options });

  await t.test('HEAD has no body and the same head', async () => {
    const { text } = await send('HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.ok(text.endsWith('\r\n\r\n'));
  });
  await t.test('204 has no body', async () => {
    const { text } = await send('GET /empty HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.match(text, /^HTTP\/1\.1 204 /);
    assert.ok(text.endsWith('\r\n\r\n') && !/content-length|transfer-encoding/i.test(text), text);
  });
  await t.test('trailers arrive', async () => {
    const answer = await app.get('/trailers');
    assert.equal(answer.text, 'part');
    assert.deepEqual(answer.trailers, { 'x-sum': '4' });
  });
  await t.test('103 early hints arrive before the answer', async () => {
    const answer = await app.get('/hints');
    assert.equal(answer.text, 'hinted\n');
    assert.equal(answer.informational[0]?.statusCode, 103);
    assert.match(answer.informational[0].headers.link, /style\.css/);
  });
  await t.test('Expect: 100-continue is answered by the app', async () => {
    const body = '{"a":1}';
    const { text } = await send(
      [
        `POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
        300,
        body,
      ],
      { until: (text) => text.includes('"got"') },
    );
    assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    assert.match(text, /"got":\{"a":1\}/);
  });
  await t.test('pipelined requests are answered in order', async () => {
    const ask = (n) => `GET /slow?ms=${40 - n * 10} HTTP/1.1\r\nhost: x\r\n\r\n`;
    const { text } = await send([0, 1, 2, 3].map(ask).join('') + 'GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.deepEqual([...text.matchAll(/"ms":(\d+)/g)].map((found) => Number(found[1])), [40, 30, 20, 10]);
    assert.match(text, /404 [\s\S]*nothing at \/nothing/);
  });
  await t.test('HTTP/1.0 is closed after its answer, or kept when it asks for it', async () => {
    const once = await send('GET / HTTP/1.0\r\n\r\n');
    assert.ok(once.closed);
    assert.match(once.text, /^HTTP\/1\.[01] 200 [\s\S]*hello\n$/);
    assert.ok(!/transfer-encoding/i.test(once.text));
  });
  await t.test('OPTIONS * and absolute-form', async () => {
    const { text } = await send(`GET http://shop.example/who HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.match(text, /shop\.example/);
  });
  await t.test('a request that came in single bytes', async () => {
    const bytes = [...'GET /who HTTP/1.1\r\nhost: x\r\nx-slow: yes\r\nconnection: close\r\n\r\n'];
    const { text } = await send(bytes.flatMap((one, n) => (n % 10 ? [one] : [one, 1])));
    assert.match(text, /"x-slow":"yes"/);
  });
  await t.test('a request cut in two answers is never mixed with another', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => app.post('/echo', { n, fill: String(n).repeat(n * 10) })),
    );
    answers.forEach((answer, n) => assert.equal(answer.json().got.n, n));
  });
});

test('what would smuggle a request is refused, and the app never sees it', { skip: BARE && 'needs fettle' }, async (t) => {
  const app = await start({ t, target });
  const bad = {
    'Content-Length and Transfer-Encoding': 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'two Content-Lengths': 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde',
    'a signed Content-Length': 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: +4\r\n\r\nabcd',
    'a space before the colon': 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length : 4\r\n\r\nabcd',
    'obs-fold': 'GET /who HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n b: 2\r\n\r\n',
    'a bare line feed': 'GET /who HTTP/1.1\nhost: x\n\n',
    'a bare carriage return': 'GET /who HTTP/1.1\r\nhost: x\r\nx-a: 1\rx-b: 2\r\n\r\n',
    'NUL in a value': 'GET /who HTTP/1.1\r\nhost: x\r\nx-a: a\0b\r\n\r\n',
    'chunked that is not last': 'POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'a chunk size with a sign': 'POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n+4\r\nabcd\r\n0\r\n\r\n',
    'no host': 'GET /who HTTP/1.1\r\n\r\n',
    'two hosts': 'GET /who HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n',
  };
  for (const [name, text] of Object.entries(bad))
    await t.test(name, async () => {
      const answer = await raw(app.port, `${text}GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n`, { timeout: 10000 });
      assert.match(answer.text, /^HTTP\/1\.1 400 /);
      assert.equal(answer.text.match(/HTTP\/1\.1 \d/g).length, 1, 'one answer');
      assert.ok(answer.closed, 'and the connection is closed');
    });
  await t.test('afterwards all is well', async () => {
    assert.equal((await request({ port: app.port, path: '/' })).status, 200);
    await poll(async () => (await app.workers()).every((row) => row.in_flight === 0));
  });
});
