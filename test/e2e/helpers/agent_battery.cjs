'use strict';
// helpers/agent_battery.cjs -- what Node's http and net do, told event by event
//
// Run twice by agent_unchanged.test.mjs: bare, and under the agent. Each case prints a transcript
// of both its ends; the two runs must print the same. A case does not know where it runs: port()
// asks the test which port leads to a server, by a line on stdout and one on stdin.

const http = require('http');
const https = require('https');
const http2 = require('http2');
const net = require('net');
const tls = require('tls');
const crypto = require('crypto');
const { once } = require('events');
const readline = require('readline');

/* Self-signed, for localhost, good until 2124; it protects nothing. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLY4Cy42BJvkwU+lo
pLfn0EwjbPaKSq+YAm97tVBKeyqhRANCAATBjKJFFEzofsbdp4VRNROU4TP0slU0
8USSq8tGu8fbZHhKipmmp7fZN2HQp45grotJqh6wD8jKZOmzrHLxNgZo
-----END PRIVATE KEY-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUb6fBGg2G5Ji29TDav13Xa7CE28swCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA3NTc0OVoYDzIxMjYxMDI4
MDc1NzQ5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATBjKJFFEzofsbdp4VRNROU4TP0slU08USSq8tGu8fbZHhKipmmp7fZ
N2HQp45grotJqh6wD8jKZOmzrHLxNgZoo1MwUTAdBgNVHQ4EFgQUobaHChTkBFW9
EKdWiIxPLwKcJe4wHwYDVR0jBBgwFoAUobaHChTkBFW9EKdWiIxPLwKcJe4wDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAiY+IzVOTIGp0eMy995EM
fVngUBAokUuZ9ks/bQwpqscCIGz9nxHWY8Ym75iKMP8QI9GlI8o1jKo7u0aLeEyV
7Slq
-----END CERTIFICATE-----`;

process.chdir(process.env.BATTERY_DIR);
const answers = readline.createInterface({ input: process.stdin });
const asked = [];
answers.on('line', (line) => asked.shift()(Number(line)));

/* The port on which clients reach a server. */
function port(server) {
  console.log(`port ${server.address().port} ${server instanceof http.Server ? 'http' : 'stream'}`);
  return new Promise((done) => asked.push(done));
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const sha = (data) => crypto.createHash('sha1').update(data).digest('hex');

async function listening(server, ...args) {
  server.listen(...(args.length ? args : [0]));
  await once(server, 'listening');
  return port(server);
}

async function closed(server) {
  server.closeAllConnections?.();
  await new Promise((done) => server.close(done));
}

/* Sends text, resolves to all bytes that come back until the end. `half`: and ends its own side. */
function raw(to, text, { half = false, limit = 5000 } = {}) {
  return new Promise((done) => {
    const socket = net.connect(to, '127.0.0.1');
    let got = '';
    socket.setEncoding('latin1');
    socket.on('data', (data) => (got += data));
    socket.on('error', (err) => (got += `[${err.code}]`));
    socket.on('close', () => done(got.replace(/Date: [^\r]*/g, 'Date: D')));
    socket.setTimeout(limit, () => socket.destroy());
    if (half) socket.end(text);
    else socket.write(text);
  });
}

const GET = (target = '/', head = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${head}\r\n`;
const LAST = 'Connection: close\r\n';

/* Prints the names of events in their order. */
function trace(log, name, emitter, events) {
  for (const event of events)
    emitter.on(event, (...args) => log(name, event, args.map((a) => (a instanceof Error ? a.code : typeof a)).join()));
}

function errorText(err) {
  return JSON.stringify({ name: err.name, message: err.message, code: err.code, errno: err.errno,
    syscall: err.syscall, address: err.address, port: err.port, keys: Object.keys(err) });
}

/* Listens, and tells how it failed or that it did not; ports are written as P. */
async function listenError(log, server, args, known = 0) {
  const mask = (text) => (known ? text.replaceAll(String(known), 'P') : text);
  try {
    server.listen(...args);
  } catch (err) {
    return log('throws', mask(errorText(err)));
  }
  log('returns, listening', server.listening);
  const failed = await Promise.race([once(server, 'error').then(([e]) => e), once(server, 'listening').then(() => null)]);
  log('then', failed ? mask(errorText(failed)) : 'listens', server.listening, typeof server.address());
  if (!failed) await closed(server);
}

const cases = {
  async 'a request and its response'(log) {
    const server = http.createServer((req, res) => {
      log(req.method, req.url, req.httpVersion, req.httpVersionMajor, req.httpVersionMinor, req.complete);
      log(JSON.stringify([req.headers, req.rawHeaders, req.headersDistinct, req.trailers, req.rawTrailers]));
      res.setHeader('X-One', '1');
      res.setHeader('Set-Cookie', ['a=1', 'b=2']);
      log(JSON.stringify([res.getHeaders(), res.getHeaderNames(), res.hasHeader('x-one'), res.headersSent]));
      res.end('hello');
      log(res.headersSent, res.finished, res.writableEnded, res.statusMessage);
    });
    const to = await listening(server);
    log(await raw(to, GET('/a?b=c', 'Accept: x\r\naccept: y\r\nCookie: q=1\r\nCookie: r=2\r\nX-A: 1\r\nX-A: 2\r\n' + LAST)));
    await closed(server);
  },
  async 'keys of the objects'(log) {
    const server = http.createServer((req, res) => {
      log('server', Object.keys(server).join());
      log('req', Object.keys(req).join());
      log('res', Object.keys(res).join());
      log('socket', Object.keys(req.socket).join());
      log('for in', (() => { const names = []; for (const k in req.socket) names.push(k); return names.length; })());
      log('prototypes', [http.Server, net.Server, http.IncomingMessage, http.ServerResponse, net.Socket]
        .map((c) => Object.keys(c.prototype).sort().filter((k) => k !== '_storeHeader').join()).join('; '));
      log(req.socket === req.connection, res.socket === req.socket, req.socket.server === server, res.req === req);
      log(req.socket instanceof net.Socket, req instanceof http.IncomingMessage, req.socket.constructor.name);
      log(req.socket.readyState, req.socket.pending, req.socket.connecting, req.socket.timeout, req.socket.encrypted);
      res.end();
    });
    const to = await listening(server);
    await raw(to, GET('/', LAST));
    log('after', Object.keys(server).join());
    await closed(server);
  },
  async 'the order of events of a request with a body'(log) {
    const server = http.createServer((req, res) => {
      trace(log, 'req', req, ['data', 'end', 'close', 'aborted', 'error', 'pause', 'resume']);
      trace(log, 'res', res, ['finish', 'close', 'pipe', 'error', 'prefinish']);
      req.on('end', () => res.end('ok'));
    });
    trace(log, 'server', server, ['listening', 'connection', 'request', 'close', 'error', 'upgrade', 'clientError']);
    const to = await listening(server);
    log(await raw(to, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n${LAST}\r\n12345`));
    await closed(server);
  },
  async 'a chunked body with trailers'(log) {
    const server = http.createServer((req, res) => {
      let body = '';
      req.setEncoding('utf8').on('data', (d) => (body += d)).on('end', () => {
        log(body, JSON.stringify([req.headers, req.trailers, req.rawTrailers, req.rawHeaders, req.complete]));
        res.end();
      });
    });
    const to = await listening(server);
    log(await raw(to, `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n${LAST}\r\n` +
      '3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n'));
    await closed(server);
  },
  async 'trailers of a response'(log) {
    const server = http.createServer((req, res) => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('part');
      res.addTrailers({ 'X-Sum': '1' });
      res.end();
    });
    const to = await listening(server);
    log(await raw(to, GET('/', LAST)));
    await closed(server);
  },
  async 'expect: 100-continue'(log) {
    const server = http.createServer((req, res) => req.resume().on('end', () => res.end('plain')));
    const to = await listening(server);
    const text = `POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n${LAST}\r\nab`;
    log(await raw(to, text));
    server.on('checkContinue', (req, res) => {
      log('checkContinue', JSON.stringify(req.headers));
      res.writeContinue();
      req.resume().on('end', () => res.end('checked'));
    });
    log(await raw(to, text));
    log(await raw(to, text.replace('100-continue', 'the-moon')));
    server.on('checkExpectation', (req, res) => {
      log('checkExpectation', req.headers.expect, JSON.stringify(req.rawHeaders));
      res.writeHead(417).end();
    });
    log(await raw(to, text.replace('100-continue', 'the-moon')));
    await closed(server);
  },
  async 'heads without a body: HEAD, 204, 304'(log) {
    const server = http.createServer((req, res) => {
      res.statusCode = Number(req.url.slice(1));
      res.setHeader('X', 'y');
      res.end(req.url === '/200' ? 'body' : undefined);
    });
    const to = await listening(server);
    for (const n of [200, 204, 304]) log(await raw(to, GET(`/${n}`, LAST)));
    log(await raw(to, GET('/200', LAST).replace('GET', 'HEAD')));
    await closed(server);
  },
  async 'early hints and processing'(log) {
    const server = http.createServer((req, res) => {
      res.writeEarlyHints?.({ link: '</a.css>; rel=preload' });
      res.writeProcessing();
      res.writeHead(201, 'Made', ['A', '1', 'a', '2']);
      res.end('x');
    });
    const to = await listening(server);
    log(await raw(to, GET('/', LAST)));
    await closed(server);
  },
  async 'write, flushHeaders, cork, statusMessage, sendDate'(log) {
    const server = http.createServer((req, res) => {
      res.sendDate = false;
      res.statusMessage = 'Fine';
      res.flushHeaders();
      log(res.headersSent, res.getHeader('date'));
      res.cork();
      res.write('a');
      res.write(Buffer.from('b'));
      res.uncork();
      res.end('c', () => log('end called back', res.writableFinished));
      try { res.setHeader('X', '1'); } catch (err) { log(err.code, err.message); }
      res.write('late', (err) => log('late', err?.code));
      res.on('error', (err) => log('error', err.code));
    });
    const to = await listening(server);
    log(await raw(to, GET('/', LAST)));
    await closed(server);
  },
  async 'keep-alive, close and HTTP/1.0'(log) {
    let n = 0;
    const server = http.createServer((req, res) => res.end(`n${++n}`));
    const to = await listening(server);
    log(server.keepAliveTimeout, server.headersTimeout, server.requestTimeout, server.timeout, server.maxRequestsPerSocket);
    log(await raw(to, GET('/1') + GET('/2') + GET('/3', LAST)));
    log(await raw(to, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'));
    log(await raw(to, 'GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n' + GET('/', LAST)));
    server.maxRequestsPerSocket = 1;
    log(await raw(to, GET('/1'), { limit: 300 }));
    server.keepAliveTimeout = 12345;
    log((await raw(to, GET('/1', 'Connection: keep-alive\r\n') + GET('/', LAST))));
    await closed(server);
  },
  async 'pipelined requests answered out of order'(log) {
    const server = http.createServer((req, res) => {
      log('got', req.url);
      setTimeout(() => res.end(req.url), req.url === '/slow' ? 60 : 0);
    });
    const to = await listening(server);
    log(await raw(to, GET('/slow') + GET('/fast') + GET('/last', LAST)));
    await closed(server);
  },
  async 'an upgrade'(log) {
    const server = http.createServer((req, res) => res.end('no upgrade'));
    const to = await listening(server);
    const text = GET('/', 'Connection: Upgrade\r\nUpgrade: echo\r\n');
    const without = http.request({ port: to, headers: { Connection: 'close' } }).end();
    const [res] = await once(without, 'response');
    log('plain', res.statusCode);
    res.resume();
    server.on('upgrade', (req, socket, head) => {
      log(req.upgrade, JSON.stringify([req.headers, req.rawHeaders]), head.toString(), socket === req.socket);
      log(socket.remoteAddress, socket.remoteFamily, socket.listenerCount('data'), socket.server === server);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
      socket.on('data', (d) => socket.write(`<${d}>`)).on('end', () => socket.end('bye'));
      socket.on('close', (hadError) => log('socket closed', hadError));
    });
    const client = net.connect(to, '127.0.0.1');
    let got = '';
    client.setEncoding('latin1').on('data', (d) => {
      got += d;
      if (got.endsWith('\r\n\r\n')) client.write('ping');
      if (got.endsWith('<ping>')) client.end();
    });
    client.write(text);
    await once(client, 'close');
    log(got);
    await closed(server);
  },
  async 'CONNECT'(log) {
    const server = http.createServer();
    server.on('connect', (req, socket, head) => {
      log(req.method, req.url, JSON.stringify(req.headers), head.length);
      socket.end('HTTP/1.1 200 OK\r\n\r\ntunnel');
    });
    const to = await listening(server);
    log(await raw(to, 'CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n'));
    await closed(server);
  },
  async 'a request that is none'(log) {
    const server = http.createServer((req, res) => res.end());
    const to = await listening(server);
    log(await raw(to, 'what is this\r\n\r\n'));
    server.on('clientError', (err, socket) => {
      log('clientError', err.code, err.bytesParsed, err.reason, socket.writable);
      socket.end('HTTP/1.1 400 Mine\r\n\r\n');
    });
    log(await raw(to, 'what is this\r\n\r\n'));
    await closed(server);
  },
  async 'a head that is too large'(log) {
    const server = http.createServer({ maxHeaderSize: 1024 }, (req, res) => res.end());
    const to = await listening(server);
    log(await raw(to, GET('/', `X: ${'x'.repeat(3000)}\r\n${LAST}`)));
    await closed(server);
  },
  async 'maxHeadersCount'(log) {
    const server = http.createServer((req, res) => {
      log(JSON.stringify([req.headers, req.rawHeaders, req.headersDistinct]));
      res.end();
    });
    const to = await listening(server);
    for (const max of [2, 3, 4, 0]) {
      server.maxHeadersCount = max;
      await raw(to, GET('/', `A: 1\r\n${LAST}`));
    }
    await closed(server);
  },
  async 'more header fields than the parser hands over at once'(log) {
    const server = http.createServer((req, res) => {
      log(req.rawHeaders.length, Object.keys(req.headers).length, JSON.stringify(req.rawHeaders));
      res.end();
    });
    const to = await listening(server);
    for (const n of [29, 30, 31, 32, 33, 64, 100])
      await raw(to, GET('/', `${Array.from({ length: n }, (_, i) => `H${i}: ${i}\r\n`).join('')}${LAST}`));
    await closed(server);
  },
  async 'a request without Host'(log) {
    const server = http.createServer((req, res) => res.end());
    const to = await listening(server);
    log(await raw(to, `GET / HTTP/1.1\r\n${LAST}\r\n`));
    await closed(server);
  },
  async 'joinDuplicateHeaders and uniqueHeaders'(log) {
    const server = http.createServer({ joinDuplicateHeaders: true, uniqueHeaders: ['x-u'] }, (req, res) => {
      log(JSON.stringify(req.headers));
      res.setHeader('x-u', ['1', '2']);
      res.end();
    });
    const to = await listening(server);
    log(await raw(to, GET('/', `Age: 1\r\nAge: 2\r\nAuthorization: a\r\nAuthorization: b\r\n${LAST}`)));
    await closed(server);
  },
  async 'addresses of a client'(log) {
    const server = http.createServer((req, res) => {
      const s = req.socket;
      const [mine, theirs] = req.headers['x-ports'].split(' ').map(Number);
      log(s.remoteAddress, s.remotePort === mine, s.remoteFamily, s.localAddress, s.localPort === theirs, s.localFamily);
      log(JSON.stringify(s.address()).replace(String(theirs), 'P'), s._peername?.family);
      res.end();
      res.on('close', () => setImmediate(() => log('later', s.remoteAddress, s.destroyed)));
    });
    const to = await listening(server);
    const client = net.connect(to, '127.0.0.1');
    await once(client, 'connect');
    client.end(GET('/', `X-Ports: ${client.localPort} ${to}\r\n${LAST}`));
    client.resume();
    await once(client, 'close');
    await sleep(20);
    await closed(server);
  },
  async 'a client that goes away'(log) {
    let seen;
    const over = new Promise((done) => (seen = done));
    const server = http.createServer((req, res) => {
      trace(log, 'req', req, ['aborted', 'error', 'end', 'close']);
      trace(log, 'res', res, ['finish', 'close', 'error']);
      res.on('close', () => setTimeout(seen, 20));
      req.on('data', () => client.destroy());
    });
    const to = await listening(server);
    const client = net.connect(to, '127.0.0.1');
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
    await over;
    await closed(server);
  },
  async 'a server that breaks off'(log) {
    let over;
    const server = http.createServer((req, res) => {
      res.on('close', () => over(`res closed ${res.writableFinished} ${req.destroyed}`));
      if (req.url === '/req') req.destroy();
      else if (req.url === '/res') res.destroy();
      else if (req.url === '/socket') req.socket.destroy();
      else {
        res.writeHead(200, { 'Content-Length': 10 });
        res.write('half');
        setTimeout(() => req.socket.destroySoon(), 20);
      }
    });
    const to = await listening(server);
    for (const target of ['/req', '/res', '/socket', '/half']) {
      const closing = new Promise((done) => (over = done));
      log(target, await raw(to, GET(target)), await closing);
    }
    await closed(server);
  },
  async 'a socket that times out'(log) {
    const server = http.createServer((req, res) => {
      req.setTimeout(60, () => {
        log('timed out');
        res.end('late');
      });
    });
    const to = await listening(server);
    log(await raw(to, GET('/', LAST)));
    server.setTimeout(60, (socket) => {
      log('server timeout', socket instanceof net.Socket);
      socket.destroy();
    });
    server.removeAllListeners('request');
    server.on('request', () => {});
    log(await raw(to, GET('/')));
    await closed(server);
  },
  async 'a body that does not come: requestTimeout'(log) {
    const server = http.createServer({ requestTimeout: 200, headersTimeout: 100, connectionsCheckingInterval: 40 },
      (req) => req.on('error', (err) => log(err.code)).resume());
    const to = await listening(server);
    log(await raw(to, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc'));
    await closed(server);
  },
  async 'an idle connection: keepAliveTimeout'(log) {
    const server = http.createServer({ keepAliveTimeout: 50, keepAliveTimeoutBuffer: 20 }, (req, res) => res.end('x'));
    server.keepAliveTimeout = 50;
    const to = await listening(server);
    log(await raw(to, GET('/')));
    await closed(server);
  },
  async 'closing: idle and busy connections, getConnections'(log) {
    let finish;
    const server = http.createServer((req, res) => (req.url === '/hold' ? (finish = () => res.end('held')) : res.end('x')));
    const count = () => new Promise((done) => server.getConnections((err, n) => done(`${err} ${n}`)));
    const to = await listening(server);
    const idle = raw(to, GET('/'));
    const held = raw(to, GET('/hold', LAST));
    while (!finish) await sleep(5);
    await sleep(30);
    log('connections', await count(), server.listening);
    const done = new Promise((ok) => server.close((err) => ok(err)));
    log('closing', server.listening, server.address());
    server.closeIdleConnections();
    log('idle', await idle);
    finish();
    log('held', (await held).replace(/^.*\r\n\r\n/s, ''));
    log('closed', await done, await count());
    log('again', await new Promise((ok) => server.close((err) => ok(err?.code))));
  },
  async 'closeAllConnections'(log) {
    const server = http.createServer(() => {});
    const to = await listening(server);
    server.on('close', () => log('close'));
    const held = raw(to, GET('/'));
    await once(server, 'request');
    server.close();
    server.closeAllConnections();
    log('held', await held);
    await sleep(20);
  },
  async 'the life of a server'(log) {
    const server = http.createServer();
    log(server.listening, server.address(), server.listen(0, function () { log('this', this === server); }) === server);
    log(server.listening, typeof server.address().port, server.address().address, Object.keys(server.address()).join());
    await once(server, 'listening');
    const key = server._connectionKey;
    log(key, server.listenerCount('listening'), server.listenerCount('close'));
    try { server.listen(0); } catch (err) { log(err.code, err.message); }
    log(server.unref() === server, server.ref() === server);
    await closed(server);
    log(server.listening, server.address(), server._handle);
    server.listen(0, '127.0.0.1');
    log(JSON.stringify(server.address()).replace(/\d{4,5}/, 'P'));
    await once(server, 'listening');
    await closed(server);
    const bound = http.createServer().listen({ port: 0, host: '::1' });
    await once(bound, 'listening');
    log(JSON.stringify(bound.address()).replace(/\d{4,5}/, 'P'), bound._connectionKey);
    await closed(bound);
  },
  async 'a server closed before it listens, and at once after'(log) {
    const server = http.createServer();
    trace(log, 'server', server, ['listening', 'close', 'error']);
    server.listen(0);
    server.close(() => log('closed'));
    await sleep(30);
    const other = net.createServer();
    log(await new Promise((ok) => other.close((err) => ok(err.code))));
  },
  async 'an abort signal'(log) {
    const abort = new AbortController();
    const server = http.createServer();
    trace(log, 'server', server, ['listening', 'close', 'error']);
    server.listen({ port: 0, signal: abort.signal });
    await once(server, 'listening');
    abort.abort();
    await once(server, 'close');
    log(server.listening);
  },
  async 'an address in use'(log) {
    const server = http.createServer();
    server.listen(0);
    await once(server, 'listening');
    const taken = server.address().port;
    await listenError(log, http.createServer(), [taken], taken);
    await listenError(log, net.createServer(), [taken], taken);
    await listenError(log, http.createServer(), [taken, '127.0.0.1'], taken);
    await listenError(log, http.createServer(), [taken, '::'], taken);
    await listenError(log, http.createServer(), [{ port: taken, exclusive: true }], taken);
    await closed(server);
    await listenError(log, http.createServer(), [taken], taken);
  },
  async 'addresses that cannot be'(log) {
    await listenError(log, http.createServer(), [0, '192.0.2.55']);
    await listenError(log, http.createServer(), [0, '2001:db8::55']);
    for (const args of [[70000], [-1], ['abc'], [{}], [{ port: 'x' }], [1.5], [true], [{ port: 0, host: 7 }], [null, 'a b']])
      await listenError(log, http.createServer(), args);
  },
  async 'unix sockets'(log) {
    const name = `${process.env.BATTERY_DIR}/a.sock`;
    const server = net.createServer();
    server.listen(name);
    log(server.address() === name, server.listening);
    await once(server, 'listening');
    log(server._connectionKey === `-1:${name}:-1`, server._pipeName === name);
    const second = http.createServer();
    second.listen(name);
    log('at once', second.listening, second.address() === name);
    const [err] = await once(second, 'error');
    log(errorText(err).replaceAll(name, 'NAME'));
    await closed(server);
    log(server.address() === name, server.listening);
    const none = http.createServer().listen(`${process.env.BATTERY_DIR}/no/such/dir/a.sock`);
    const [bad] = await once(none, 'error');
    log(errorText(bad).replaceAll(process.env.BATTERY_DIR, 'DIR'));
  },
  async 'own classes of messages'(log) {
    class Req extends http.IncomingMessage { get mine() { return this.url; } }
    class Res extends http.ServerResponse { done() { this.end(`own ${this.req.mine}`); } }
    const server = http.createServer({ IncomingMessage: Req, ServerResponse: Res }, (req, res) => {
      log(JSON.stringify(req.headers), req.constructor.name, res.constructor.name);
      res.done();
    });
    const to = await listening(server);
    log(await raw(to, GET('/own', LAST)));
    await closed(server);
  },
  async 'large bodies in both directions'(log) {
    const server = http.createServer((req, res) => req.pipe(res));
    const to = await listening(server);
    const body = Buffer.alloc(3000000, 'fettle');
    for (const headers of [{ 'Content-Length': body.length }, {}]) {
      const req = http.request({ port: to, host: '127.0.0.1', method: 'PUT', headers, agent: false });
      req.end(body);
      const [res] = await once(req, 'response');
      const parts = [];
      for await (const part of res) parts.push(part);
      log(res.statusCode, JSON.stringify(res.rawHeaders.filter((h) => !/\d\d:\d\d/.test(h))), sha(Buffer.concat(parts)) === sha(body));
    }
    await closed(server);
  },
  async 'an async iterator, and a stream paused'(log) {
    const server = http.createServer(async (req, res) => {
      let n = 0;
      req.pause();
      await sleep(10);
      for await (const part of req) n += part.length;
      log('read', n, req.readableEnded);
      res.writeHead(200).end();
    });
    const to = await listening(server);
    await raw(to, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n${LAST}\r\n${'x'.repeat(100000)}`);
    await closed(server);
  },
  async 'methods of a socket'(log) {
    const server = http.createServer((req, res) => {
      const s = req.socket;
      log(s.setNoDelay(true) === s, s.setKeepAlive(true, 1000) === s, s.ref() === s, s.unref() === s, s.setTimeout(0) === s);
      log(s.bufferSize, s.allowHalfOpen, typeof s.address, s.isPaused(), s.writableHighWaterMark, s.localPort > 0);
      res.end('x', () => log('written', s.bytesWritten));
    });
    const to = await listening(server);
    await raw(to, GET('/', LAST));
    server.removeAllListeners('request');
    server.on('request', (req) => {
      const s = req.socket;
      s.on('close', (bad) => log('closed', bad));
      log('reset', s.resetAndDestroy() === s, s.destroyed);
    });
    await raw(to, GET('/'));
    await closed(server);
  },
  async 'diagnostics channels'(log) {
    const dc = require('diagnostics_channel');
    const names = ['http.server.request.start', 'http.server.response.finish', 'net.server.socket'];
    const subs = names.map((name) => {
      const fn = (m) => log(name, Object.keys(m).sort().join());
      dc.subscribe(name, fn);
      return [name, fn];
    });
    const server = http.createServer((req, res) => res.end());
    const to = await listening(server);
    await raw(to, GET('/', LAST));
    await sleep(10);
    for (const [name, fn] of subs) dc.unsubscribe(name, fn);
    await closed(server);
  },
  async 'a net server'(log) {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      log(socket.remoteAddress, socket.remoteFamily, socket.remotePort > 0, socket.localAddress, socket.localFamily);
      log(JSON.stringify(socket.address()).replace(/\d{4,5}/, 'P'), Object.keys(socket).join());
      trace(log, 'socket', socket, ['end', 'close', 'error', 'timeout', 'drain']);
      socket.on('data', (d) => socket.write(d)).on('end', () => socket.end('half'));
    });
    const to = await listening(server);
    log(await raw(to, 'bytes', { half: true }));
    await sleep(20);
    server.maxConnections = 0;
    server.on('drop', (data) => log('drop', JSON.stringify(data).replace(/\d{4,5}/g, 'P')));
    await raw(to, 'x', { half: true });
    await sleep(20);
    await closed(server);
  },
  async 'a net server that pauses on connect, and speaks first'(log) {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      socket.write('welcome;');
      setTimeout(() => socket.on('data', (d) => socket.end(d)).resume(), 20);
    });
    const to = await listening(server);
    log(await raw(to, 'hello'));
    await closed(server);
  },
  async 'https'(log) {
    const server = https.createServer({ key, cert }, (req, res) => {
      const s = req.socket;
      log(s.remoteAddress, s.remoteFamily, s.remotePort > 0, s.localAddress, s.encrypted, s.authorized, s.getProtocol());
      res.end('secret');
    });
    const to = await listening(server);
    for (let i = 0; i < 2; i++) {
      const [res] = await once(https.get({ port: to, host: '127.0.0.1', rejectUnauthorized: false, agent: false }), 'response');
      log(res.statusCode, (await once(res.setEncoding('utf8'), 'data'))[0]);
    }
    const refused = tls.connect({ port: to, host: '127.0.0.1', minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ca: [cert] });
    await once(refused, 'close').catch((err) => log(err.code));
    await closed(server);
  },
  async 'a tls server'(log) {
    const server = tls.createServer({ key, cert }, (socket) => {
      log(socket.remoteAddress, socket.remotePort > 0, socket.alpnProtocol, JSON.stringify(socket.address()).replace(/\d{4,5}/, 'P'));
      socket.pipe(socket);
    });
    const to = await listening(server);
    const client = tls.connect({ port: to, host: '127.0.0.1', rejectUnauthorized: false });
    client.end('echo');
    log((await once(client.setEncoding('utf8'), 'data'))[0]);
    await once(client, 'close');
    await closed(server);
  },
  async 'http2, in clear and over tls'(log) {
    for (const [server, scheme] of [[http2.createServer(), 'http'], [http2.createSecureServer({ key, cert }), 'https']]) {
      server.on('stream', (stream, headers) => {
        log(headers[':path'], stream.session.socket.remoteAddress, stream.session.socket.remotePort > 0);
        stream.respond({ ':status': 200, x: 'y' });
        stream.end('two');
      });
      server.on('request', (req) => log('request', req.url, req.socket.remoteAddress, req.httpVersion));
      const to = await listening(server);
      const client = http2.connect(`${scheme}://127.0.0.1:${to}`, { rejectUnauthorized: false });
      const stream = client.request({ ':path': '/two' });
      const [headers] = await once(stream, 'response');
      log(headers[':status'], headers.x, (await once(stream.setEncoding('utf8'), 'data'))[0]);
      client.close();
      await once(client, 'close');
      await closed(server);
    }
  },
  async 'connections beyond maxConnections of an http server'(log) {
    const server = http.createServer((req, res) => res.end('in'));
    server.maxConnections = 1;
    const to = await listening(server);
    const first = net.connect(to, '127.0.0.1');
    first.write(GET('/'));
    await once(first, 'data');
    server.on('drop', () => log('drop'));
    const second = await raw(to, GET('/'));
    log('second', second.replace('[ECONNRESET]', ''));
    first.destroy();
    await sleep(20);
    await closed(server);
  },
  async 'an exception in a handler'(log) {
    const server = http.createServer(() => { throw new Error('thrown'); });
    const to = await listening(server);
    process.once('uncaughtException', (err) => log('uncaught', err.message, err.stack.split('\n').length > 2));
    const held = raw(to, GET('/'), { limit: 150 });
    log(await held);
    await closed(server);
  },
};

(async () => {
  const wanted = process.env.BATTERY_CASE;
  for (const [name, run] of Object.entries(cases)) {
    if (wanted && !name.includes(wanted)) continue;
    const lines = [], began = Date.now();
    const log = (...words) => lines.push(words.map(String).join(' '));
    try {
      await Promise.race([run(log), sleep(6000).then(() => Promise.reject(new Error('does not end')))]);
    } catch (err) {
      log('FAILED', err.stack);
    }
    if (process.env.BATTERY_TIMES) console.error(Date.now() - began, name);
    console.log(`case ${JSON.stringify([name, lines])}`);
  }
  process.exit();
})();
