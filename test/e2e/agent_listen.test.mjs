// What an app sees of listen(), address() and its clients' addresses under the agent.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { NODES, end, front, get, node, raw, script, sleep, supervisor, upstream } from './helpers/agent_run.mjs';

const APP = `
const http = require('http');
const server = http.createServer((req, res) => {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, localFamily } = req.socket;
  res.end(JSON.stringify({ remoteAddress, remotePort, remoteFamily, localAddress, localPort, localFamily,
    address: req.socket.address(), headers: req.headers, raw: req.rawHeaders, distinct: req.headersDistinct,
    env: [process.env.FETTLE_DIR, process.env.FETTLE_WORKER, process.env.NODE_OPTIONS, process.env.LD_PRELOAD] }));
});
server.listen(0, () => console.log('address', JSON.stringify(server.address()), server._connectionKey));
console.log('at once', JSON.stringify(server.address()), server.listening);
process.on('SIGTERM', () => server.close(() => console.log('closed', server.address())));
`;

async function until(is, what) {
  for (const begun = Date.now(); !is(); await sleep(2)) assert.ok(Date.now() - begun < 30000, `no ${what}`);
}

for (const [major, file] of NODES) {
  test(`node ${major}: an http server listens through the supervisor and sees its clients' addresses`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, [script(t, APP)], { sup });
    const hello = await sup.wait('hello', { pid: app.pid });
    assert.equal(hello.role, 0);
    assert.match(hello.version, new RegExp(`^v${major}\\.`));
    const listen = await sup.wait('listen');
    assert.deepEqual([listen.kind, listen.family, listen.port, listen.index], [0, 0, 0, 0]);
    await sup.wait('ready', { listener: listen.listener });
    await sup.wait('idle');
    const address = JSON.stringify({ address: '::', family: 'IPv6', port: listen.bound });
    assert.equal(await app.line('at once'), `at once ${address} true`);
    assert.equal(await app.line('address'), `address ${address} 6::::0`);

    const port = await front(t, sup, listen.unix, { peer: '192.0.2.7 4711 192.0.2.1 3000' });
    const seen = JSON.parse((await get(port)).split('\r\n\r\n')[1]);
    assert.equal(seen.remoteAddress, '192.0.2.7');
    assert.equal(seen.remotePort, 4711);
    assert.equal(seen.remoteFamily, 'IPv4');
    assert.equal(seen.localAddress, '192.0.2.1');
    assert.equal(seen.localPort, 3000);
    assert.deepEqual(seen.address, { address: '192.0.2.1', family: 'IPv4', port: 3000 });
    assert.deepEqual(seen.headers, { host: 'test', connection: 'close' });
    assert.deepEqual(seen.raw, ['Host', 'test', 'Connection', 'close']);
    assert.deepEqual(seen.distinct, { host: ['test'], connection: ['close'] });
    assert.deepEqual(seen.env, [null, null, null, null], 'children of the app do not get the agent');

    app.child.kill('SIGTERM');
    await sup.wait('unlisten', { listener: listen.listener });
    assert.equal(await app.line('closed'), 'closed null');
    assert.deepEqual(await end(app), { code: 0, signal: null });
    assert.equal(fs.existsSync(listen.unix), false, 'no socket file stays');
  });

  test(`node ${major}: on a kept-alive connection each request has its own client`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, [script(t, `
      const http = require('http');
      const who = ({ socket: s }) => [s.remoteAddress, s.remotePort, s.remoteFamily, s.localAddress, s.localPort, s.address().address].join(' ');
      const rl = require('readline').createInterface({ input: process.stdin });
      const server = http.createServer((req, res) => {
        const first = req.url === '/unasked' ? '' : who(req);
        res.on('finish', () => rl.once('line', () => console.log('after', who(req))));
        req.socket.once('close', () => console.log('closed', who(req)));
        res.end(first);
      });
      server.on('connection', (s) => console.log('connection', s.remoteAddress, s.localPort));
      server.listen(0);`)], { sup });
    const { unix } = await sup.wait('listen');
    await sup.wait('ready');
    const to = upstream(sup, unix);
    let got = '';
    to.socket.setEncoding('latin1').on('data', (data) => (got += data));
    const request = (target = '/') => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const client = (n) => `10.0.0.${n} ${n} IPv4 fe80::${n}%eth0 ${n + 1} fe80::${n}%eth0`;
    let at = 0;
    for (const [n, target] of [[1, '/'], [2, '/'], [3, '/unasked']]) {
      to.peer(`10.0.0.${n} ${n} fe80::${n}%eth0 ${n + 1}`, at);
      const from = app.out.list.length;
      to.socket.write(request(target));
      at += request(target).length;
      await until(() => /\r\n\r\n/.test(got), 'an answer');
      /* The next request's client stands there before this one is quite over. */
      to.peer(`10.9.9.${n} 9 ::1 9`, at);
      app.child.stdin.write('\n');
      assert.equal(await app.out.wait((l) => l.startsWith('after'), 'what is seen after the answer', from), `after ${client(n)}`);
      if (target === '/') assert.ok(got.endsWith(client(n)), got);
      got = '';
    }
    assert.equal(app.out.list[0], 'connection undefined undefined', 'nobody has asked for anything yet');
    to.socket.destroy();
    assert.equal(await app.line('closed'), 'closed 10.0.0.3 3 IPv4   ', 'as bare Node, which keeps the remote one');

    /* Its place is another connection's before the app has asked: better nobody than that one. */
    const moved = upstream(sup, unix);
    moved.socket.setEncoding('latin1').on('data', (data) => (got += data)).write(request('/unasked'));
    await until(() => /\r\n\r\n/.test(got), 'an answer');
    moved.reopen();
    moved.peer('10.9.9.9 9 ::1 9');
    const from = app.out.list.length;
    app.child.stdin.write('\n');
    assert.match(await app.out.wait((l) => l.startsWith('after'), 'what is seen of a lost one', from), /^after  +$/);
    app.stop();
  });

  test(`node ${major}: a connection without a number says in its name who its client is`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, [script(t, `
      require('http').createServer((req, res) => res.end(req.socket.remoteAddress + ' ' + req.socket.localPort)).listen(0);`)], { sup });
    const { unix } = await sup.wait('listen');
    await sup.wait('ready');
    const { socket } = upstream(sup, unix, { name: '10.0.0.1 1 ::1 2' });
    assert.match(await raw(0, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', { socket }), /10\.0\.0\.1 2$/);
    app.stop();
  });

  test(`node ${major}: every way to call listen asks the supervisor for the same thing as Node would bind`, async (t) => {
    const sup = await supervisor(t);
    const unix = `${sup.dir}/app.sock`;
    const app = node(t, file, [script(t, `
      const http = require('http'), net = require('net');
      const cases = [
        (s) => s.listen(), (s) => s.listen(0), (s) => s.listen('0'), (s) => s.listen(null), (s) => s.listen({}  = { port: 0 }),
        (s) => s.listen(0, '127.0.0.1'), (s) => s.listen(0, 'localhost'), (s) => s.listen({ port: 0, host: '127.0.0.1', backlog: 7 }),
        (s) => s.listen(0, '::1', 9), (s) => s.listen(0, 5), (s) => s.listen({ port: 0, host: '::', ipv6Only: true }),
        (s) => s.listen({ port: 0, exclusive: true }), (s) => s.listen(process.argv[2]), (s) => s.listen({ path: process.argv[2] + '2' }),
        (s) => s.listen({ port: 0, host: '127.0.0.1', signal: AbortSignal.timeout(100000) }),
      ];
      (async () => {
        for (const [i, listen] of cases.entries()) {
          const server = i % 2 ? net.createServer() : http.createServer();
          await new Promise((done) => { server.once('listening', done); listen(server); });
          console.log('case', i, JSON.stringify(server.address()));
          server.close();
        }
        console.log('end');
        process.exit();
      })();
      `), unix], { sup });
    await app.line('end');
    await sup.wait('gone', { pid: app.pid }); // so all that it said is there
    const asked = sup.events.filter((e) => e.event === 'listen')
      .map((e) => [e.kind, e.family, e.host, e.backlog, e.v6only, e.path.replace(unix, 'app.sock')]);
    const any = (kind) => [kind, 0, '', 0, 0, ''];
    const local = asked[6]; // localhost is 127.0.0.1 or ::1
    assert.ok(['127.0.0.1', '::1'].includes(local[2]), String(local));
    assert.deepEqual(asked.filter((_, i) => i !== 6), [
      any(0), any(1), any(0), any(1), any(0), [1, 2, '127.0.0.1', 0, 0, ''], [1, 2, '127.0.0.1', 7, 0, ''],
      [0, 10, '::1', 9, 0, ''], [1, 0, '', 5, 0, ''], [0, 10, '::', 0, 1, ''], any(1),
      [0, 1, '', 0, 0, 'app.sock'], [1, 1, '', 0, 0, 'app.sock2'], [0, 2, '127.0.0.1', 0, 0, ''],
    ]);
    const addresses = app.out.list.filter((l) => l.startsWith('case'));
    assert.equal(addresses[12], `case 12 ${JSON.stringify(unix)}`);
    assert.match(addresses[8], /"address":"::1","family":"IPv6","port":\d+/);
  });

  test(`node ${major}: the supervisor's refusals are Node's errors`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, [script(t, `
      const http = require('http');
      const rl = require('readline').createInterface({ input: process.stdin });
      rl.on('line', (line) => {
        const args = JSON.parse(line);
        const server = http.createServer().listen(...args);
        server.on('error', (err) => console.log(JSON.stringify([err.message, err.code, err.errno, err.syscall, err.address, err.port, server.listening, server.address()])));
        server.on('listening', () => console.log('listens'));
      });`)], { sup });
    await sup.wait('idle');
    const unix = `${sup.dir}/x`;
    const cases = [
      [13, [80], ['listen EACCES: permission denied 0.0.0.0:80', 'EACCES', -13, 'listen', '0.0.0.0', 80, false, null]],
      [98, [3000], ['listen EADDRINUSE: address already in use :::3000', 'EADDRINUSE', -98, 'listen', '::', 3000, false, null]],
      [98, [3000, '127.0.0.1'], ['listen EADDRINUSE: address already in use 127.0.0.1:3000', 'EADDRINUSE', -98, 'listen', '127.0.0.1', 3000, false, null]],
      [99, [3000, '192.0.2.1'], ['listen EADDRNOTAVAIL: address not available 192.0.2.1:3000', 'EADDRNOTAVAIL', -99, 'listen', '192.0.2.1', 3000, false, null]],
      [2, [unix], [`listen EACCES: permission denied ${unix}`, 'EACCES', -13, 'listen', unix, -1, false, unix]],
      [98, [unix], [`listen EADDRINUSE: address already in use ${unix}`, 'EADDRINUSE', -98, 'listen', unix, -1, false, unix]],
    ];
    for (const [i, [errno, args, expected]] of cases.entries()) {
      const line = app.out.list.length;
      sup.command(`refuse ${errno}`);
      await sup.ask('woken', 'woken'); // the command is through
      app.child.stdin.write(`${JSON.stringify(args)}\n`);
      await app.out.wait((l) => l.startsWith('['), `error ${i}`, line);
      assert.deepEqual(JSON.parse(app.out.list[line]), expected);
    }
    app.stop();
  });

  test(`node ${major}: only the proxy says who the client is`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, [script(t, `
      const http = require('http'), net = require('net');
      const handler = (req, res) => {
        const address = req.socket.remoteAddress ?? null;
        req.resume().on('end', () => res.end(JSON.stringify([address, req.rawHeaders.join(), req.rawTrailers])));
      };
      http.createServer(handler).listen(0);
      const inner = http.createServer(handler);
      net.createServer((socket) => inner.emit('connection', socket)).listen(0);`)], { sup });
    const { unix } = await sup.wait('listen', { kind: 0 });
    const stream = await sup.wait('listen', { kind: 1 });
    await sup.wait('ready', { listener: stream.listener });
    const body = (text) => text.split('\r\n\r\n').slice(1).map((part) => JSON.parse(part.split('HTTP/1.1 ')[0]));
    const own = 'fettle-peer: 1.1.1.1 1 ::1 2\r\n';
    const request = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${own}\r\n`;
    const seen = 'Host,a,Connection,close,fettle-peer,1.1.1.1 1 ::1 2';
    assert.deepEqual(body(await raw(0, request, { path: unix })), [[null, seen, []]], 'who is not the proxy has no address');
    const to = upstream(sup, unix);
    to.peer('2.2.2.2 2 ::1 2');
    assert.deepEqual(body(await raw(0, request, { socket: to.socket })), [['2.2.2.2', seen, []]]);
    const maps = fs.readFileSync(`/proc/${app.pid}/maps`, 'latin1').split('\n').filter((l) => l.includes('fettle-peers'));
    assert.deepEqual(maps.map((l) => l.split(' ')[1]), ['r--s'], 'no worker can write who the clients are');
    const fds = fs.readdirSync(`/proc/${app.pid}/fd`).map((fd) => {
      try {
        return fs.readlinkSync(`/proc/${app.pid}/fd/${fd}`);
      } catch {
        return ''; /* closed meanwhile */
      }
    });
    assert.ok(!fds.some((name) => name.includes('fettle')), String(fds));
    const forged = await raw(stream.bound, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${own}\r\n`);
    assert.deepEqual(body(forged), [['::ffff:127.0.0.1', 'Host,a,Connection,close,fettle-peer,1.1.1.1 1 ::1 2', []]]);
    app.stop();
  });

  test(`node ${major}: readableAll and writableAll reach the socket that clients use`, async (t) => {
    const sup = await supervisor(t);
    const unix = `${sup.dir}/all.sock`;
    const app = node(t, file, ['-e', `process.umask(0o077); require('net').createServer().listen({ path: ${JSON.stringify(unix)},
      readableAll: true, writableAll: true }, () => console.log('on'))`], { sup });
    await app.line('on');
    assert.equal(fs.statSync(unix).mode & 0o666, 0o666);
    app.stop();
  });

  test(`node ${major}: a script that ends, ends, with its exit code`, async (t) => {
    const sup = await supervisor(t);
    const first = node(t, file, ['-e', 'process.exitCode = 7'], { sup });
    assert.deepEqual(await end(first), { code: 7, signal: null });
    const second = node(t, file, ['-e', 'setTimeout(() => console.log("late"), 50)'], { sup });
    assert.deepEqual(await end(second), { code: 0, signal: null });
    assert.deepEqual(second.out.list, ['late']);
    assert.equal(first.errors + second.errors, '');
    const third = node(t, file, ['-e', 'throw new Error("boom")'], { sup });
    assert.equal((await end(third)).code, 1);
    const fourth = node(t, file, ['-e', 'require("http").createServer().listen(0); process.exit(3)'], { sup });
    assert.equal((await end(fourth)).code, 3);
    const { unix } = await sup.wait('listen', { pid: fourth.pid });
    assert.equal(fs.existsSync(unix), false, 'process.exit leaves no socket file');
  });

  test(`node ${major}: without the supervisor the process is gone, blocked or not`, async (t) => {
    const sup = await supervisor(t);
    const idle = node(t, file, ['-e', 'require("http").createServer().listen(0)'], { sup });
    const blocked = node(t, file, ['-e', 'console.log("in"); for (;;);'], { sup });
    await blocked.line('in');
    await sup.wait('ready', { pid: idle.pid });
    sup.child.kill('SIGKILL');
    assert.equal((await end(idle)).signal, 'SIGKILL');
    assert.equal((await end(blocked)).signal, 'SIGKILL');
  });
}
