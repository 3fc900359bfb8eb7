// proxy_semantics.test.mjs -- HTTP/1.0 and 1.1 as they are meant, both ways through the proxy
import assert from 'node:assert/strict';
import { test, before, after } from 'node:test';
import { fixture, startFettle } from './helpers/fettle.mjs';
import { Wire, ask, get, seen } from './helpers/wire.mjs';

let run;
before(async () => {
  run = await startFettle({ target: fixture('proxy'), args: ['-w', '1'] });
});
after(() => run?.stop());

const open = () => Wire.open(run.port);
/** One request on a connection of its own, which is closed after it. */
async function once(bytes, method = 'GET') {
  const response = await ask(run.port, bytes, { method });
  response.wire.destroy();
  return response;
}
/** The target whose answer is these bytes; each ~ among them stands for `pad` letters. */
const raw = (bytes, more = '') =>
  `/raw?bytes=${Buffer.from(bytes, 'latin1').toString('base64url')}${more}`;
const fieldsOf = ({ rawHeaders }) =>
  rawHeaders.filter((_, i) => i % 2 === 0).map((name, i) => [name, rawHeaders[2 * i + 1]]);

// ---- connections ----

test('a connection is kept for many requests', async () => {
  const wire = await open();
  for (let i = 0; i < 20; i++) {
    const response = await wire.send(get('/hello')).response();
    assert.equal(response.text, 'hello\n');
    assert.equal(response.get('connection'), undefined);
  }
  wire.destroy();
});

test("the client's Connection: close is honoured and not the worker's business", async () => {
  const wire = await open();
  const response = await wire.send(get('/inspect', { connection: 'close' })).response();
  assert.equal(response.get('connection'), 'close');
  assert.equal(response.json().headers.connection, undefined);
  assert.ok(await wire.end());
  wire.destroy();
});

test("the app's Connection: close ends the worker's connection, not the client's", async () => {
  const wire = await open();
  for (let i = 0; i < 3; i++) {
    const response = await wire.send(get('/close')).response();
    assert.equal(response.text, 'close\n');
  }
  wire.destroy();
});

test('HTTP/1.0 is answered and closed unless it asks for more', async () => {
  const wire = await open();
  const response = await wire.send(get('/hello', {}, { version: '1.0' })).response();
  assert.equal(response.text, 'hello\n');
  assert.ok(await wire.end());
  wire.destroy();
});

test('HTTP/1.0 with keep-alive keeps its connection', async () => {
  const wire = await open();
  for (let i = 0; i < 3; i++) {
    const response = await wire.send(get('/hello', { connection: 'keep-alive' }, { version: '1.0' })).response();
    assert.equal(response.get('connection'), 'keep-alive');
    assert.equal(response.get('content-length'), '6');
  }
  wire.destroy();
});

test('HTTP/1.0 never gets chunks: the end of the connection ends the body', async () => {
  const wire = await open();
  wire.send(get('/bytes?n=200000&chunked', { connection: 'keep-alive' }, { version: '1.0' }));
  const response = await wire.response();
  assert.equal(response.get('transfer-encoding'), undefined);
  assert.ok(response.closeDelimited);
  assert.equal(response.body.length, 200000);
  assert.ok(!response.text.includes('\r\n'));
  wire.destroy();
});

test('HTTP/1.0 without Host is served', async () => {
  assert.equal((await once('GET /hello HTTP/1.0\r\n\r\n')).text, 'hello\n');
});

test('fifty requests in one write are answered in their order', async () => {
  const wire = await open();
  let bytes = '';
  for (let i = 0; i < 50; i++) {
    bytes += i % 3 === 2 ? get(`/inspect?n=${i}`, {}, { method: 'POST', body: `body ${i}` }) : get(`/inspect?n=${i}`);
  }
  wire.send(bytes);
  for (let i = 0; i < 50; i++) {
    const response = (await wire.response()).json();
    assert.equal(response.url, `/inspect?n=${i}`);
    assert.equal(response.body, i % 3 === 2 ? `body ${i}` : '');
  }
  wire.destroy();
});

test('requests that come byte by byte are the same requests', async () => {
  const wire = await open();
  const chunked = 'POST /inspect?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nX-T: 1\r\n\r\n';
  const sending = wire.sendSlowly(get('/inspect?a', {}, { method: 'PUT', body: 'hello' }) + chunked + get('/inspect?c'));
  assert.equal((await wire.response()).json().body, 'hello');
  assert.equal((await wire.response()).json().body, 'abcde');
  assert.equal((await wire.response()).json().url, '/inspect?c');
  await sending;
  wire.destroy();
});

test('a pipelined request waits until a slow one before it is answered', async () => {
  const wire = await open();
  wire.send(get('/slow?ms=200') + get('/hello') + get('/status?code=204') + get('/hello'));
  assert.match((await wire.response()).text, /^\d+$/);
  assert.equal((await wire.response()).text, 'hello\n');
  assert.equal((await wire.response()).status, 204);
  assert.equal((await wire.response()).text, 'hello\n');
  wire.destroy();
});

test('a request after Connection: close is not looked at', async () => {
  const wire = await open();
  wire.send(get('/hello', { connection: 'close' }) + get('/never'));
  assert.equal((await wire.response()).text, 'hello\n');
  await wire.end();
  assert.equal(wire.got.length, 0);
  assert.ok(!(await seen(run.port)).events.includes('GET /never'));
  wire.destroy();
});

test('a client that has closed its sending side still gets its answers', async () => {
  const wire = await open();
  wire.send(get('/slow?ms=150') + get('/bytes?n=3000000') + get('/hello')).finish();
  assert.match((await wire.response()).text, /^\d+$/);
  assert.equal((await wire.response()).body.length, 3000000);
  assert.equal((await wire.response()).text, 'hello\n');
  assert.ok(await wire.end());
  wire.destroy();
});

// ---- methods and targets ----

test('HEAD has the head of GET and no body', async () => {
  const wire = await open();
  const head = await wire.send(get('/bytes?n=1000', {}, { method: 'HEAD' })).response('HEAD');
  assert.equal(head.get('content-length'), '1000');
  assert.equal((await wire.send(get('/bytes?n=9&chunked', {}, { method: 'HEAD' })).response('HEAD')).status, 200);
  assert.equal((await wire.send(get('/hello')).response()).text, 'hello\n');
  wire.destroy();
});

test('204 and 304 have no body and leave the connection usable', async () => {
  const wire = await open();
  for (const code of [204, 304, 204]) {
    const response = await wire.send(get(`/status?code=${code}`)).response();
    assert.equal(response.status, code);
    assert.equal(response.get('x-is'), 'there');
    if (code === 204) assert.equal(response.get('content-length'), undefined);
    assert.equal(response.get('transfer-encoding'), undefined);
  }
  assert.equal((await wire.send(get('/hello')).response()).text, 'hello\n');
  wire.destroy();
});

test('OPTIONS * reaches the app as it is', async () => {
  assert.equal((await once(get('*', {}, { method: 'OPTIONS' }))).text, 'options *');
  assert.equal((await once('OPTIONS http://a.test HTTP/1.1\r\nHost: a\r\n\r\n')).text, 'options *');
});

test('the authority of an absolute target is the host', async () => {
  const { url, headers, rawHeaders } = (await once(get('http://real.test:81/inspect?x=1', { host: 'other' }))).json();
  assert.equal(url, '/inspect?x=1');
  assert.equal(headers.host, 'real.test:81');
  assert.equal(headers['x-forwarded-host'], 'real.test:81');
  assert.equal(rawHeaders.filter((name) => /^host$/i.test(name)).length, 1);
  assert.equal((await once(get('HTTP://A.test?q'))).status, 404); // "/?q"
});

test('CONNECT to an app that does not serve it hangs nobody', async () => {
  const wire = await open();
  const response = await wire.send('CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n').response();
  assert.equal(response.status, 502);
  wire.destroy();
});

// ---- Expect, interim responses, trailers ----

test('Expect: 100-continue: the app says when to go on', async () => {
  const wire = await open();
  wire.send(get('/inspect', { expect: '100-continue', 'content-length': 5 }, { method: 'POST' }));
  const interim = await wire.head();
  assert.equal(interim.status, 100);
  assert.deepEqual(interim.fields, []);
  const response = await wire.send('hello').response();
  assert.equal(response.json().body, 'hello');
  assert.equal((await wire.send(get('/hello')).response()).text, 'hello\n');
  wire.destroy();
});

test('Expect: 100-continue: a refusal comes without the body being asked for', async () => {
  const wire = await open();
  const response = await wire.send(get('/no', { expect: '100-continue', 'content-length': 5 }, { method: 'POST' })).response();
  assert.equal(response.status, 417);
  assert.deepEqual(response.interim, []);
  assert.equal(response.get('connection'), 'close'); // whether the body still comes, nobody knows
  await wire.end();
  wire.destroy();
});

test('a client that does not wait for 100 is served as well', async () => {
  const wire = await open();
  wire.send(get('/inspect', { expect: '100-continue' }, { method: 'POST', body: 'hello' }));
  assert.equal((await wire.response()).json().body, 'hello');
  wire.destroy();
});

test('103 early hints come before the response, each of them', async () => {
  const { interim, status, text } = await once(get('/hints'));
  assert.deepEqual(interim.map((r) => [r.status, r.get('link')]), [
    [103, '</a.css>; rel=preload'],
    [103, '</b.css>; rel=preload'],
  ]);
  assert.equal(status, 200);
  assert.equal(text, 'after\n');
});

test('HTTP/1.0 gets no interim responses', async () => {
  const response = await once(get('/hints', {}, { version: '1.0' }));
  assert.deepEqual(response.interim, []);
  assert.equal(response.text, 'after\n');
  const expects = get('/inspect', { expect: '100-continue' }, { method: 'POST', version: '1.0', body: 'hello' });
  assert.equal((await once(expects)).json().body, 'hello');
});

test('trailers of a response reach the client', async () => {
  const { trailers, text, fields } = await once(get('/trailers', { te: 'trailers' }));
  assert.equal(text, 'xxxx');
  assert.match(trailers, /^x-sum: yyy$/im);
  assert.ok(fields.some(([name, value]) => name === 'trailer' && value === 'x-sum'));
});

test('large trailers behind a body of any size reach the client', async () => {
  const wire = await open();
  for (const body of [1, 1000, 14000, 15000, 16000, 20000, 28000, 30000, 31000, 31500, 32000, 33000, 64000, 65000, 100000])
    for (const size of [500, 3000, 7500]) {
      const response = await wire.send(get(`/trailers?body=${body}&size=${size}`)).response();
      assert.equal(response.body.length, body);
      assert.equal(response.trailers.length, size + 'x-sum: \n'.length, `body ${body}, trailer ${size}`);
    }
  wire.destroy();
});

test('trailers of a request reach the app', async () => {
  const wire = await open();
  for (const size of [3, 3000, 7500])
    for (const body of [5, 20000, 31000, 32000, 40000]) {
      wire.send(
        `POST /inspect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n` +
          `${body.toString(16)}\r\n${'b'.repeat(body)}\r\n0\r\nX-Sum: ${'s'.repeat(size)}\r\n\r\n`,
      );
      const got = (await wire.response()).json();
      assert.equal(got.body.length, body);
      assert.equal(got.trailers['x-sum'].length, size, `body ${body}`);
      assert.equal(got.headers.trailer, 'X-Sum');
    }
  wire.destroy();
});

// ---- responses in strange but legal forms ----

test('a status line without a reason passes', async () => {
  const response = await once(get(raw('HTTP/1.1 299\r\nContent-Length: 2\r\n\r\nok')));
  assert.equal(response.status, 299);
  assert.equal(response.text, 'ok');
});

test('a response that ends with its connection becomes chunks', async () => {
  const wire = await open();
  for (const head of ['HTTP/1.0 200 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n']) {
    const response = await wire.send(get(raw(`${head}~`, '&pad=200000'))).response();
    assert.equal(response.get('transfer-encoding'), 'chunked');
    assert.equal(response.body.length, 200000);
  }
  assert.equal((await wire.send(get('/hello')).response()).text, 'hello\n');
  wire.destroy();
});

test('many Set-Cookie fields stay many, in their order', async () => {
  const cookies = (await once(get('/fields?cookies=50'))).all('set-cookie');
  assert.deepEqual(cookies, Array.from({ length: 50 }, (_, i) => `c${i}=${i}; Path=/`));
});

test('a response may have a head of 15 KB', async () => {
  assert.equal((await once(get('/fields?size=15000'))).get('x-large').length, 15000);
});

test('chunks of the app with extensions and capital digits pass', async () => {
  const bytes = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n';
  assert.equal((await once(get(raw(bytes)))).text, '0123456789');
});

test('what is no HTTP from the app becomes a 502', async () => {
  for (const bytes of [
    'nonsense\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
    'HTTP/1.1 200 OK\r\nX : y\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: ~\r\nY: ~\r\n\r\n',
    `HTTP/1.1 200 OK\r\n${'Z: z\r\n'.repeat(700)}\r\n`,
  ]) {
    const response = await once(get(raw(bytes, '&pad=20000')));
    assert.equal(response.status, 502, bytes.slice(0, 60));
    assert.equal(response.get('connection'), 'close');
  }
});

test('bytes of the app behind a whole response are nobody else’s answer', async () => {
  const wire = await open();
  const bytes = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
  assert.equal((await wire.send(get(raw(bytes, '&keep'))).response()).text, 'ok');
  for (let i = 0; i < 5; i++) assert.equal((await wire.send(get('/hello')).response()).text, 'hello\n');
  wire.destroy();
});

test('a response shorter than it says breaks the connection off', async () => {
  const wire = await open();
  wire.send(get(raw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort')));
  await assert.rejects(wire.response(), /ended before 100 bytes/);
  wire.destroy();
  const chunked = await open();
  chunked.send(get(raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n')));
  await assert.rejects(chunked.response(), /ended before a line/);
  chunked.destroy();
});

// ---- who the client is ----

test('the app sees the client and what a good proxy adds', async () => {
  const wire = await open();
  const got = (await wire.send(get('/inspect')).response()).json();
  assert.equal(got.remoteAddress.replace('::ffff:', ''), '127.0.0.1');
  assert.equal(got.remotePort, wire.socket.localPort);
  assert.equal(got.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(got.headers['x-forwarded-proto'], 'http');
  assert.equal(got.headers['x-forwarded-host'], 'app.test');
  assert.match(got.headers['x-request-id'], /^[0-9a-f]{32}$/);
  assert.ok(!fieldsOf(got).some(([name]) => /fettle/i.test(name)));
  const again = (await wire.send(get('/inspect')).response()).json();
  assert.notEqual(again.headers['x-request-id'], got.headers['x-request-id']);
  wire.destroy();
});

const forged = {
  'x-forwarded-for': '1.2.3.4',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'evil.test',
  'X-Forwarded-Port': '444',
  'X-Real-IP': '1.2.3.4',
  Forwarded: 'for=1.2.3.4',
  'X-Request-Id': 'forged',
  'fettle-peer': '1.2.3.4 5 6.7.8.9 10',
  'fettle-route': '/forged',
};

test('a client cannot forge any of it', async () => {
  const got = (await once(get('/inspect', forged))).json();
  assert.equal(got.remoteAddress.replace('::ffff:', ''), '127.0.0.1');
  assert.ok(!/1\.2\.3\.4|https|evil|444|forged/.test(JSON.stringify(got.rawHeaders)), JSON.stringify(got.rawHeaders));
  for (const name of ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id'])
    assert.equal(fieldsOf(got).filter(([n]) => n.toLowerCase() === name).length, 1, name);
});

test('a trusted proxy says who the client is', async (t) => {
  const trusting = await startFettle({ t, target: fixture('proxy'), args: ['-w', '1', '--trust-proxy', 'loopback'] });
  const inspect = async (fields) => {
    const response = await ask(trusting.port, get('/inspect', fields));
    response.wire.destroy();
    return response.json();
  };
  let got = await inspect({ ...forged, 'x-forwarded-for': '6.6.6.6, 9.8.7.6' });
  assert.equal(got.remoteAddress.replace('::ffff:', ''), '9.8.7.6');
  assert.equal(got.headers['x-forwarded-for'], '9.8.7.6');
  assert.equal(got.headers['x-forwarded-proto'], 'https');
  assert.equal(got.headers['x-forwarded-host'], 'evil.test');
  assert.equal(got.headers['x-request-id'], 'forged');
  got = await inspect({ 'x-forwarded-for': '::1, 2001:db8::5, 127.0.0.9' });
  assert.equal(got.remoteAddress, '2001:db8::5');
  got = await inspect({});
  assert.equal(got.remoteAddress.replace('::ffff:', ''), '127.0.0.1');
  await trusting.stop();
});

test('nothing went wrong inside', () => {
  assert.ok(!/AddressSanitizer|runtime error|restarted/.test(run.output), run.output);
});
