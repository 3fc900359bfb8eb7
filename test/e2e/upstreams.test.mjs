// upstreams.test.mjs -- requests that go to hosts instead of to this machine's workers: servers of this
// test on 127.0.0.x, well-behaved ones and such that die, hang, reset, answer garbage, half or late
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BARE, BUILD, NODE, freePort, startFettle } from './helpers/fettle.mjs';
import { request } from './helpers/net.mjs';
import { Wire, get } from './helpers/wire.mjs';

const skip = BARE && 'needs fettle';
const run_file = promisify(execFile);
const closers = [];
after(() => Promise.all(closers.map((close) => close())));

const listening = (server, port, host) => new Promise((done, failed) => {
  server.once('error', failed);
  server.listen(port, host, () => done(server));
});

/** A server that is as it should be: { at, name, asked, sockets, server, close }. */
async function host(ip, name, answer) {
  const port = await freePort();
  const self = { at: `${ip}:${port}`, port, ip, name, asked: 0, connections: 0, sockets: new Set() };
  const respond = (req, res) => {
    self.asked++;
    if (answer) return answer(req, res, self);
    const hash = createHash('sha256');
    req.on('data', (data) => hash.update(data)).on('end', () => {
      res.setHeader('x-name', name);
      if (req.url.startsWith('/big')) return res.setHeader('content-length', 3 << 20).end(Buffer.alloc(3 << 20, 'x'));
      res.end(JSON.stringify({ name, method: req.method, url: req.url, headers: req.headers, body: hash.digest('hex') }));
    });
  };
  self.listen = async () => {
    self.server = http.createServer(respond);
    self.server.on('connection', (socket) => {
      self.connections++;
      self.sockets.add(socket);
      socket.on('close', () => self.sockets.delete(socket));
    });
    self.server.on('upgrade', (req, socket, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.write(head);
      socket.pipe(socket);
      socket.on('error', () => {});
    });
    await listening(self.server, port, ip);
  };
  self.close = () => new Promise((done) => {
    self.server.close(done);
    self.sockets.forEach((socket) => socket.destroy());
  });
  closers.push(() => self.server.listening && self.close());
  await self.listen();
  return self;
}

/** One that is not: `act(socket, head, nth)` for each head that comes. */
async function rogue(ip, act) {
  const port = await freePort();
  const sockets = new Set();
  const self = { at: `${ip}:${port}`, asked: 0 };
  const server = net.createServer((socket) => {
    let text = '';
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    socket.on('data', (data) => {
      text += data.toString('latin1');
      for (let end; (end = text.indexOf('\r\n\r\n')) >= 0;) {
        const head = text.slice(0, end + 4);
        text = text.slice(end + 4);
        act(socket, head, self.asked++);
      }
    });
  });
  await listening(server, port, ip);
  closers.push(() => new Promise((done) => (server.close(done), sockets.forEach((socket) => socket.destroy()))));
  return self;
}

/** A port of that address at which nobody listens. */
const nobody = async (ip) => `${ip}:${await freePort()}`;

const APP = `require('http').createServer((req, res) => {
  if (req.url === '/local/block') { require('fs').writeFileSync(process.env.GO + '.on', ''); const end = Date.now() + 30000; while (!require('fs').existsSync(process.env.GO) && Date.now() < end); }
  res.end(JSON.stringify({ name: 'local', url: req.url }));
}).listen(process.env.PORT);`;

let run, cwd;
const file = (value) => fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify(value));
const upstreams = async (route) => (await run.admin('/api/upstreams')).json().upstreams.filter((row) => row.route === route);
const metric = async (name) => {
  const line = (await run.admin('/metrics')).text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
};
const logged = (pattern) => run.until(() => pattern.exec(fs.readFileSync(path.join(cwd, 'access.log'), 'utf8')));

let one, two, slow, settings;

const FINE = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine';
const ROGUES = {
  garbage: (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n'),
  endless: (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = () => socket.writable && socket.write(`X-More: ${'y'.repeat(8000)}\r\n`, (error) => error || setImmediate(more));
    more();
  },
  interim: (socket) => {
    const more = () => socket.writable && socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(20), (error) => error || setImmediate(more));
    more();
  },
  lengths: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfine'),
  unasked: (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n'),
  silent: (socket) => socket.end(),
  reset: (socket) => socket.resetAndDestroy(),
  cut: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
  half: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
  chunk: (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n'),
  hang: () => {},
  drip: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
};

before(async () => {
  if (skip) return;
  cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fu-')));
  fs.mkdirSync(path.join(cwd, 'run'));
  fs.writeFileSync(path.join(cwd, 'app.js'), APP);
  [one, two] = [await host('127.0.0.2', 'one'), await host('127.0.0.3', 'two')];
  slow = await host('127.0.0.4', 'slow', (req, res, self) => (self.waiting = () => res.end('late')));
  const rogues = {};
  for (const [name, act] of Object.entries(ROGUES)) rogues[name] = await rogue('127.0.0.5', act);
  // It answers the first request twice: the second answer must not become anybody's.
  rogues.twice = await rogue('127.0.0.6', (socket, head, nth) => {
    socket.write(FINE);
    if (nth === 0) setTimeout(() => socket.write(FINE.replace('fine', 'evil')), 20);
  });
  settings = {
    run: 'app.js',
    name: 'shop',
    'eject-time': '500ms',
    routes: [
      { path: '/two', upstream: [`http://${one.at}`, `http://${two.at} zone eu-1`] },
      { path: '/named', upstream: [`http://${one.at}`], 'upstream-host': 'api.internal:8080' },
      { path: '/big', upstream: [`http://${one.at}`] },
      { path: '/ws', upstream: [`http://${one.at}`] },
      { path: '/refused', upstream: [await nobody('127.0.0.2'), await nobody('127.0.0.3'), `http://${two.at} backup`] },
      { path: '/nobody', upstream: [await nobody('127.0.0.2')] },
      { path: '/late', upstream: [slow.at] },
      { path: '/late-504', upstream: [slow.at], 'upstream-timeout': '100ms' },
      { path: '/local', upstream: ['local', one.at] },
      ...Object.entries(rogues).map(([name, { at }]) => ({
        path: `/rogue/${name}`, upstream: [at], 'upstream-timeout': '300ms', 'stall-timeout': '300ms', 'retry-max': 'off',
      })),
      ...['silent', 'reset', 'cut'].map((name) => ({ path: `/again/${name}`, upstream: [rogues[name].at, `${two.at} backup`] })),
    ],
  };
  file(settings);
  run = await startFettle({
    cwd, target: 'fettle.json', args: ['-w', '1', '--access-log', 'access.log', '--threads', '2', '--trust-proxy', '127.0.0.1'],
    env: { GO: path.join(cwd, 'go'), FETTLE_RUNTIME_DIR: path.join(cwd, 'run') },
  });
  closers.push(async () => {
    await run.finish();
    fs.rmSync(cwd, { recursive: true, force: true });
  });
});

test('requests go to each host of the list', { skip }, async () => {
  const names = new Set();
  await run.until(async () => {
    const answer = await run.get('/two/a?b=c');
    assert.equal(answer.status, 200);
    assert.equal(answer.json().url, '/two/a?b=c');
    return names.add(answer.json().name).size === 2;
  });
  assert.equal((await run.get('/')).json().name, 'local');
  await logged(new RegExp(`GET /two/a\\?b=c HTTP/1.1" 200 .* endpoint=${two.at}`));
});

test('what hosts are told', { skip }, async () => {
  const { headers } = (await run.get('/two', { localAddress: '127.0.0.50', headers: { 'x-forwarded-for': '6.6.6.6', connection: 'keep-alive, x-secret', 'x-secret': '1' } })).json();
  assert.equal(headers.host, `127.0.0.1:${run.port}`);
  assert.equal(headers['x-forwarded-for'], '127.0.0.50');
  assert.equal(headers['x-forwarded-proto'], 'http');
  assert.equal(headers['x-forwarded-host'], `127.0.0.1:${run.port}`);
  assert.match(headers['x-request-id'], /^[0-9a-f]{32}$/);
  assert.equal(headers['x-secret'], undefined);
  assert.match(headers.via, /^1\.1 fettle-[0-9a-f]{8}$/);
  const named = (await run.get('/named')).json().headers;
  assert.equal(named.host, 'api.internal:8080');
  assert.equal(named['x-forwarded-host'], `127.0.0.1:${run.port}`);
});

test('bodies, both ways, of any size', { skip }, async () => {
  const body = Buffer.alloc(2 << 20, 'abc');
  const sent = await request({ port: run.port, path: '/two', method: 'POST', body });
  assert.equal(sent.json().body, createHash('sha256').update(body).digest('hex'));
  const chunked = await request({ port: run.port, path: '/two', method: 'PUT', body, headers: { 'transfer-encoding': 'chunked' } });
  assert.equal(chunked.json().body, createHash('sha256').update(body).digest('hex'));
  assert.equal((await run.get('/big')).bytes.length, 3 << 20);
  const head = await request({ port: run.port, path: '/big', method: 'HEAD' });
  assert.equal(head.headers['content-length'], String(3 << 20));
  const wire = await Wire.open(run.port);
  wire.send(`POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
  await wire.until(() => (wire.got.includes('100 Continue') ? true : null), '100');
  wire.send('abc');
  await wire.until(() => (wire.got.includes(createHash('sha256').update('abc').digest('hex')) ? true : null), 'the answer');
});

test('connections are kept and used again', { skip }, async () => {
  const before = (await upstreams('/named'))[0];
  for (let i = 0; i < 20; i++) assert.equal((await run.get('/named')).status, 200);
  const row = await run.until(async () => {
    const [now] = await upstreams('/named');
    return now.requests === before.requests + 20 && now;
  });
  // Each of the two threads has its own.
  assert.ok(row.connected <= before.connected + 2, JSON.stringify(row));
  assert.equal(row.connected + row.reused, row.requests);
});

test('a WebSocket goes through', { skip }, async () => {
  const wire = await Wire.open(run.port);
  wire.send(get('/ws', { connection: 'upgrade', upgrade: 'echo' }));
  assert.equal((await wire.head()).status, 101);
  wire.send('hello');
  await wire.until(() => (wire.got.includes('hello') ? true : null), 'the echo');
  await run.until(async () => (await upstreams('/ws'))[0].in_flight === 1);
  wire.finish();
  await wire.end();
  await run.until(async () => {
    const [row] = await upstreams('/ws');
    return row.in_flight === 0 && row.connections === 0;
  });
});

test('who cannot be connected to is passed over, whatever the method', { skip }, async () => {
  for (const method of ['GET', 'POST', 'POST'])
    assert.equal((await request({ port: run.port, path: '/refused', method, body: method === 'POST' ? 'abc' : undefined })).json().name, 'two');
  const rows = await run.until(async () => {
    const list = await upstreams('/refused');
    return list.find((row) => row.endpoint === two.at).requests === 3 && list;
  });
  assert.ok(rows.some((row) => row.results.connect > 0));
});

test('nobody there is a 502 that says so', { skip }, async () => {
  const answer = await run.get('/nobody');
  assert.equal(answer.status, 502);
  assert.match(answer.text, /the upstream cannot be connected to/);
  await logged(/GET \/nobody HTTP\/1.1" 502 .* reason=upstream_unreachable/);
});

test('one that does not take connections is given up after connect-timeout', { skip }, async () => {
  const port = await freePort();
  const child = spawn(NODE, ['-e', `require('net').createServer().listen({ port: ${port}, host: '127.0.0.7', backlog: 1 }, () => console.log('up'))`]);
  closers.push(() => child.kill('SIGKILL'));
  await new Promise((done) => child.stdout.once('data', done));
  child.kill('SIGSTOP');
  // Its queue is full when one more connection waits.
  const full = [];
  closers.push(() => full.forEach((socket) => socket.destroy()));
  for (let waits = false; !waits;) {
    const socket = net.connect(port, '127.0.0.7').on('error', () => {});
    full.push(socket);
    waits = await Promise.race([new Promise((done) => socket.once('connect', () => done(false))), new Promise((done) => setTimeout(done, 300, true))]);
  }
  const list = [{ path: '/full', upstream: [`127.0.0.7:${port}`, `${two.at} backup`] }, { path: '/full-only', upstream: [`127.0.0.7:${port}`] }];
  file({ ...settings, 'connect-timeout': '100ms', routes: [...settings.routes, ...list] });
  await run_file(path.join(BUILD, 'fettle'), ['reload'], { env: { ...process.env, FETTLE_RUNTIME_DIR: path.join(cwd, 'run') } });
  await run.until(async () => (await run.get('/full')).json().name === 'two');
  const answer = await run.get('/full-only');
  assert.equal(answer.status, 504);
  assert.match(answer.text, /did not take a connection in time/);
  child.kill('SIGKILL');
});

for (const name of ['garbage', 'endless', 'interim', 'lengths', 'unasked', 'silent', 'reset', 'cut'])
  test(`a host that answers with: ${name}`, { skip }, async () => {
    const answer = await run.get(`/rogue/${name}`);
    assert.equal(answer.status, 502);
    await logged(new RegExp(`GET /rogue/${name} HTTP/1.1" 502 .* reason=upstream_failed`));
    await run.until(async () => {
      const [row] = await upstreams(`/rogue/${name}`);
      return row.results.reset === 1 && row.in_flight === 0 && row.connections === 0;
    });
  });

for (const name of ['half', 'chunk', 'drip'])
  test(`an answer that breaks off: ${name}`, { skip }, async () => {
    const wire = await Wire.open(run.port);
    wire.send(get(`/rogue/${name}`));
    assert.equal((await wire.head()).status, 200);
    await wire.end();
    assert.ok(wire.got.toString().endsWith('half') || wire.got.toString().includes('half\r\n'), wire.got.toString());
    await run.until(async () => {
      const [row] = await upstreams(`/rogue/${name}`);
      return row.in_flight === 0 && row.connections === 0 && row.failures === 1;
    });
  });

test('one that hangs is a 504', { skip }, async () => {
  const answer = await run.get('/rogue/hang');
  assert.equal(answer.status, 504);
  await run.until(async () => (await upstreams('/rogue/hang'))[0].results.timeout === 1);
});

test('a late answer is waited for, unless there is a time-out', { skip }, async () => {
  const waits = run.get('/late');
  await run.until(() => slow.waiting);
  slow.waiting();
  assert.equal((await waits).text, 'late');
  assert.equal((await run.get('/late-504')).status, 504);
});

test('what is not sent twice by itself: a POST that a host has got', { skip }, async () => {
  for (const name of ['silent', 'reset', 'cut']) {
    assert.equal((await run.get(`/again/${name}`)).json().name, 'two');
    const asked = two.asked;
    assert.equal((await request({ port: run.port, path: `/again/${name}`, method: 'POST', body: 'a' })).status, 502);
    assert.equal(two.asked, asked);
  }
});

test('what a host says without being asked is nobody’s answer', { skip }, async () => {
  assert.equal((await run.get('/rogue/twice')).text, 'fine');
  await run.until(async () => (await upstreams('/rogue/twice'))[0].connections === 0);
  assert.equal((await run.get('/rogue/twice')).text, 'fine');
});

test('hosts help out when no worker is free', { skip }, async () => {
  await run.until(async () => (await run.get('/local/a')).json().name === 'local');
  // One that finds the loop running goes to the host itself: again then.
  let over = true, blocked;
  await run.until(() => {
    if (over) {
      over = false;
      blocked = run.get('/local/block').finally(() => (over = true));
    }
    return fs.existsSync(path.join(cwd, 'go.on'));
  });
  const names = [], asked = [];
  await run.until(() => {
    asked.push(run.get('/local/b').then((answer) => names.push(answer.json().name)));
    return names.filter((name) => name === 'one').length >= 5;
  });
  fs.writeFileSync(path.join(cwd, 'go'), '');
  assert.equal((await blocked).json().name, 'local');
  await Promise.all(asked);
});

test('a reload changes the list under load, and a host dies: no request fails', { skip }, async () => {
  const more = [await host('127.0.0.8', 'three'), await host('127.0.0.9', 'four')];
  let over = false, asked = 0;
  const failed = [];
  const loads = Array.from({ length: 4 }, async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (!over) {
      const answer = await run.get('/two', { agent }).catch((error) => ({ status: error.message }));
      asked++;
      if (answer.status !== 200) failed.push(answer.status);
    }
    agent.destroy();
  });
  const list = (hosts) => ({ ...settings, routes: [{ path: '/two', upstream: hosts.map(({ at }) => at) }, ...settings.routes.slice(1)] });
  const reload = () => run_file(path.join(BUILD, 'fettle'), ['reload'], { env: { ...process.env, FETTLE_RUNTIME_DIR: path.join(cwd, 'run') } });
  // How often each is chosen is not this test's: that all of them are, and then nobody else.
  const goesTo = async (hosts) => {
    const names = hosts.map(({ name }) => name), seen = new Set();
    await run.until(async () => {
      seen.add((await run.get('/two')).json().name);
      return names.every((name) => seen.has(name));
    });
    for (let i = 0; i < 20; i++) assert.ok(names.includes((await run.get('/two')).json().name));
  };
  try {
    for (const hosts of [[one, two, ...more], [two, more[0]], [more[0], one]]) {
      file(list(hosts));
      await reload();
      await goesTo(hosts);
    }
    const before = asked;
    await more[0].close(); // dies, with connections that rest and requests that run
    await run.until(() => asked > before + 200);
    assert.equal((await run.get('/two')).json().name, 'one');
    await more[0].listen();
    await run.until(async () => (await run.get('/two')).json().name === more[0].name);
  } finally {
    over = true;
    await Promise.all(loads);
  }
  assert.deepEqual(failed, []);
  await run.until(async () => (await upstreams('/two')).filter((row) => row.state === 'leaving').every((row) => row.connections === 0 && row.in_flight === 0));
});

test('a fettle without an app, in front of another one', { skip }, async (t) => {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fu-')));
  const port = await freePort(), at = `127.0.0.1:${port}`;
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  fs.mkdirSync(path.join(folder, 'run'));
  const routes = { [at]: [{ path: '/', upstream: [`127.0.0.1:${run.port}`] }, { path: '/loop', upstream: [at] }] };
  fs.writeFileSync(path.join(folder, 'fettle.json'), JSON.stringify({ name: 'front', routes }));
  const env = { FETTLE_RUNTIME_DIR: path.join(folder, 'run') };
  const front = await startFettle({ t, cwd: folder, target: 'fettle.json', port, env, ready: false });
  await front.until(async () => (await front.admin('/readyz')).text === 'ready\n');
  const answer = (await front.get('/two/x', { localAddress: '127.0.0.50' })).json();
  assert.equal(answer.url, '/two/x');
  assert.equal(answer.headers['x-forwarded-for'], '127.0.0.50');
  assert.equal(answer.headers['x-forwarded-host'], at);
  assert.equal(answer.headers.via.split(',').length, 2);
  const again = await front.get('/loop');
  assert.equal(again.status, 508);
  assert.match(again.text, /leads back to this fettle/);
  const { stdout } = await run_file(path.join(BUILD, 'fettle'), ['reload'], { env: { ...process.env, ...env } });
  assert.match(stdout, /front: reloaded/);
  assert.equal((await front.get('/two')).status, 200);
});

test('nothing but a port and hosts', { skip }, async (t) => {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fu-')));
  const port = await freePort();
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  // No TARGET.
  const front = await startFettle({ t, cwd: folder, args: ['--port', String(port)], target: `--upstream=${one.at}`, port, env: { FETTLE_RUNTIME_DIR: folder }, ready: false });
  await front.until(async () => (await front.get('/a')).json().name === 'one');
});

test('what people and Prometheus see of it', { skip }, async () => {
  const env = { ...process.env, FETTLE_RUNTIME_DIR: path.join(cwd, 'run') };
  const { stdout } = await run_file(path.join(BUILD, 'fettle'), ['upstreams'], { env });
  assert.match(stdout, new RegExp(`/named .*${one.at} .*up `));
  const json = JSON.parse((await run_file(path.join(BUILD, 'fettle'), ['upstreams', '--json'], { env })).stdout);
  assert.ok(json.upstreams.some((row) => row.route === '/nobody' && row.results.connect > 0));
  const of = `app="shop",route="/named",endpoint="${one.at}"`;
  assert.equal(await metric(`fettle_upstream_up{${of}}`), 1);
  assert.ok((await metric(`fettle_upstream_reused_total{${of}}`)) > 0);
  assert.ok((await metric('fettle_proxy_refused_total{reason="upstream_failed"}')) > 0);
});
