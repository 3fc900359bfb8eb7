// fettle bench against real servers: what it counts, what it says, and how it takes broken ones.
// No test depends on how fast anything is.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { WebSocketServer } from 'ws';
import { BARE, BUILD } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';
const FETTLE = path.join(BUILD, 'fettle');
const LIMIT_MS = 60000;
const SHORT = ['-d', '300ms', '--warmup', '50ms', '-c', '4'];

function temporary(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-bench-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs fettle bench beside the servers of this process. */
function bench(args, { signal, env } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(FETTLE, ['bench', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const limit = setTimeout(() => { child.kill('SIGKILL'); fail(new Error(`bench ${args.join(' ')} hangs`)); }, LIMIT_MS);
    let stdout = '', stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', fail);
    child.on('close', (status) => { clearTimeout(limit); done({ status, stdout, stderr }); });
    signal?.(child);
  });
}

async function measured(args, options) {
  const { status, stdout, stderr } = await bench(['--json', ...args], options);
  assert.notEqual(stdout, '', stderr);
  return { status, stderr, ...JSON.parse(stdout) };
}

/** A server that is gone at the end of the test, with all its connections; returns its URL. */
async function listening(t, server, at = { port: 0, host: '127.0.0.1' }) {
  const sockets = new Set();
  server.on('connection', (socket) => { sockets.add(socket); socket.on('close', () => sockets.delete(socket)); socket.on('error', () => {}); });
  await new Promise((done) => server.listen(at, done));
  t.after(() => { sockets.forEach((socket) => socket.destroy()); server.close(); });
  return at.path ? 'http://localhost/' : `http://127.0.0.1:${server.address().port}`;
}
const httpServer = (t, answer, at) => listening(t, http.createServer(answer), at);
/** Answers whatever comes with these bytes. */
const rawServer = (t, onData) => listening(t, net.createServer((socket) => socket.on('data', () => onData(socket))));

const KEYS = ['target', 'mode', 'connections', 'threads', 'seconds', 'requests', 'rate', 'failed', 'unfinished', 'failures', 'statuses',
  'bytes_in', 'bytes_out', 'cpu_seconds', 'latency_us', 'kinds'];
const LATENCY_KEYS = ['min', 'mean', 'stddev', 'p50', 'p75', 'p90', 'p95', 'p99', 'p99_9', 'p99_99', 'max'];
const FAILURE_KEYS = ['connect', 'reset', 'timeout', 'status', 'protocol', 'unsent'];

/** What must be true of every report. */
function sound(r) {
  for (const key of KEYS) assert.ok(key in r, key);
  assert.deepEqual(Object.keys(r.latency_us), LATENCY_KEYS);
  assert.deepEqual(Object.keys(r.failures), FAILURE_KEYS);
  assert.equal(Object.values(r.failures).reduce((a, b) => a + b), r.failed);
  assert.equal(r.kinds.reduce((sum, kind) => sum + kind.requests, 0), r.requests);
  assert.equal(r.kinds.reduce((sum, kind) => sum + kind.failed, 0), r.failed);
  const answered = Object.values(r.statuses).reduce((a, b) => a + b, 0);
  assert.equal(answered + r.failed - r.failures.status, r.requests, 'every request is answered or failed');
  const values = ['min', 'p50', 'p75', 'p90', 'p95', 'p99', 'p99_9', 'p99_99', 'max'].map((key) => r.latency_us[key]);
  assert.deepEqual(values, values.toSorted((a, b) => a - b));
}

test('a closed loop keeps its connections and counts what the server saw', { skip }, async (t) => {
  let seen = 0, connections = 0;
  const server = http.createServer((req, res) => { seen++; res.end('x'.repeat(1000)); });
  server.on('connection', () => connections++);
  const url = await listening(t, server);
  const r = await measured([...SHORT, '--warmup', 'off', '-c', '3', `${url}/a`]);
  sound(r);
  assert.equal(r.status, 0);
  assert.equal(r.mode, 'closed');
  assert.equal(r.failed, 0);
  assert.ok(r.requests > 0 && r.requests <= seen && seen - r.requests <= 3, `${r.requests} of ${seen}`);
  assert.equal(connections, 3);
  assert.equal(r.kinds[0].name, '/a');
  assert.ok(r.bytes_in > r.requests * 1000);
});

test('an open loop sends exactly what its rate says', { skip }, async (t) => {
  let seen = 0;
  const url = await httpServer(t, (req, res) => { seen++; res.end('ok'); });
  for (const arrivals of ['constant', 'poisson']) {
    seen = 0;
    const r = await measured(['--rate', '500', '-d', '600ms', '--warmup', '200ms', '--arrivals', arrivals, '-t', '2', '-c', '16', url]);
    sound(r);
    assert.equal(r.mode, 'open');
    assert.equal(r.arrivals, arrivals);
    assert.equal(r.rate_wanted, 500);
    assert.equal(r.failed, 0);
    if (arrivals === 'constant') {
      assert.equal(r.requests, 300);
      assert.equal(seen, 400);
    } else {
      assert.ok(r.requests > 200 && r.requests < 400, `${r.requests}`);
    }
  }
});

test('the same seed sends the same requests', { skip }, async (t) => {
  const folder = temporary(t), mix = path.join(folder, 'mix.json');
  fs.writeFileSync(path.join(folder, 'body.txt'), 'from a file');
  fs.writeFileSync(mix, JSON.stringify([
    { name: 'fast', weight: 3, path: '/fast?x=1', headers: { 'x-kind': 'f' } },
    { name: 'slow', weight: 1, path: '/slow', method: 'PUT', body_file: 'body.txt' },
  ]));
  let seen = [];
  const url = await httpServer(t, (req, res) => {
    let body = '';
    req.on('data', (part) => (body += part)).on('end', () => {
      seen.push(`${req.method} ${req.url} ${req.headers['x-kind'] ?? ''} ${body}`);
      res.end('ok');
    });
  });
  const orders = [];
  for (const seed of ['5', '5', '6']) {
    seen = [];
    const r = await measured(['-r', '400', '-d', '500ms', '--warmup', 'off', '-c', '1', '--seed', seed, '--mix', mix, url]);
    sound(r);
    assert.deepEqual(r.kinds.map((kind) => kind.name), ['fast', 'slow']);
    assert.ok(r.kinds[0].requests > r.kinds[1].requests && r.kinds[1].requests > 0);
    orders.push(seen.join('\n'));
  }
  assert.equal(orders[0], orders[1]);
  assert.notEqual(orders[0], orders[2]);
  assert.deepEqual([...new Set(orders[0].split('\n'))].sort(), ['GET /fast?x=1 f ', 'PUT /slow  from a file']);
});

test('a stall is seen by every request that was meant for it', { skip }, async (t) => {
  const STALL_MS = 300, RATE = 500;
  let count = 0;
  const url = await httpServer(t, (req, res) => {
    if (++count === 100) for (const end = Date.now() + STALL_MS; Date.now() < end;);
    res.end('ok');
  });
  const r = await measured(['-r', `${RATE}`, '-d', '2s', '--warmup', 'off', '-c', '4', url]);
  sound(r);
  assert.equal(r.requests, 2 * RATE);
  assert.equal(r.failed, 0);
  // 150 of 1000 requests were meant for the stall, and waited from 0 to 300 ms: a tenth waited
  // more than 100 ms. Who forgets them (4 connections: 4 requests) has a p95 of a millisecond.
  assert.ok(r.latency_us.max > STALL_MS * 990, `max ${r.latency_us.max}`);
  assert.ok(r.latency_us.p95 > 100000, `p95 ${r.latency_us.p95}`);
  assert.ok(r.latency_us.p95 < r.latency_us.max);
});

test('every framing is understood', { skip }, async (t) => {
  let connections = 0;
  const server = http.createServer((req, res) => {
    if (req.url === '/chunked') { res.write('a'.repeat(70000)); res.end('b'); }
    else if (req.url === '/close') { res.setHeader('connection', 'close'); res.end('ok'); }
    else if (req.url === '/none') { res.statusCode = 204; res.end(); }
    else if (req.url === '/early') { res.writeEarlyHints({ link: '</x>; rel=preload' }); res.end('ok'); }
    else if (req.url === '/big') res.end(Buffer.alloc(5 << 20));
    else res.end('ok');
  });
  server.on('connection', () => connections++);
  const url = await listening(t, server);
  for (const [args, check] of [
    [['/chunked'], (r) => assert.ok(r.bytes_in > r.requests * 70001)],
    [['/close'], (r) => assert.ok(connections >= r.requests)],
    [['/none'], (r) => assert.deepEqual(Object.keys(r.statuses), ['204'])],
    [['/early'], (r) => assert.deepEqual(Object.keys(r.statuses), ['200'])],
    [['/big'], (r) => assert.ok(r.bytes_in > r.requests * (5 << 20) * 0.9)],
    [['/', '-X', 'HEAD'], (r) => assert.ok(r.bytes_in > 0)],
    [['/', '--no-keepalive'], (r) => assert.ok(connections >= r.requests)],
  ])
    await t.test(args.join(' '), async () => {
      connections = 0;
      const [where, ...flags] = args;
      const r = await measured([...SHORT, ...flags, url + where]);
      sound(r);
      assert.equal(r.failed, 0, r.trouble);
      assert.ok(r.requests > 0);
      check(r);
    });
  await t.test('until the connection ends', async (t2) => {
    const raw = await rawServer(t2, (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'));
    const r = await measured([...SHORT, raw]);
    sound(r);
    assert.equal(r.failed, 0, r.trouble);
    assert.ok(r.requests > 0);
  });
});

test('a unix socket', { skip }, async (t) => {
  const file = path.join(temporary(t), 's');
  const hosts = new Set();
  await httpServer(t, (req, res) => { hosts.add(req.headers.host); res.end('ok'); }, { path: file });
  for (const mode of [[], ['-r', '200']]) {
    const r = await measured([...SHORT, ...mode, '--unix', file, 'http://example.test/']);
    sound(r);
    assert.equal(r.failed, 0, r.trouble);
    assert.ok(r.requests > 0);
  }
  assert.deepEqual([...hosts], ['example.test']);
});

test('WebSocket echo', { skip }, async (t) => {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server });
  const seen = new Set(), codes = new Set();
  let pongs = 0;
  sockets.on('connection', (socket, req) => {
    seen.add(req.headers['x-who']);
    socket.on('message', (data, binary) => { seen.add(data.length); socket.ping('hi'); socket.send(data, { binary }); });
    socket.on('pong', () => pongs++);
    socket.on('close', (code) => codes.add(code));
  });
  const url = (await listening(t, server)).replace('http:', 'ws:');
  for (const args of [[], ['-r', '200'], ['--no-keepalive'], ['-H', 'x-who: me', '--body', 'hello']]) {
    seen.clear();
    const r = await measured([...SHORT, ...args, url]);
    sound(r);
    assert.equal(r.failed, 0, r.trouble);
    assert.ok(r.requests > 0);
    assert.deepEqual([...seen], args[0] === '-H' ? ['me', 5] : [undefined, 125]);
    assert.deepEqual(Object.keys(r.statuses), ['101']);
  }
  assert.ok(pongs > 0);
  assert.ok(codes.has(1000));
  const file = path.join(temporary(t), 'big');
  fs.writeFileSync(file, Buffer.alloc(300000, 255));
  const big = await measured([...SHORT, '--body-file', file, url]);
  sound(big);
  assert.equal(big.failed, 0, big.trouble);
});

test('broken servers are counted, and nothing hangs', { skip }, async (t) => {
  const closed = await new Promise((done) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(`http://127.0.0.1:${port}`)); });
  });
  const status = await httpServer(t, (req, res) => { res.statusCode = 503; res.end('no'); });
  const reset = await rawServer(t, (socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'); socket.destroySoon(); });
  const silent = await rawServer(t, () => {});
  const nonsense = await rawServer(t, (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  const endless = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = () => { if (!socket.destroyed) { socket.write('x: y\r\n'.repeat(1000)); setImmediate(more); } };
    more();
  });
  const twice = await rawServer(t, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'.repeat(2)));
  const noEcho = (await httpServer(t, (req, res) => res.end('no'))).replace('http:', 'ws:');
  for (const [name, url, failure, code] of [
    ['refused', closed, 'connect', 1],
    ['503', status, 'status', 0],
    ['reset in mid-body', reset, 'reset', 1],
    ['no answer', silent, 'timeout', 1],
    ['no HTTP', nonsense, 'protocol', 1],
    ['an endless head', endless, 'protocol', 1],
    ['no WebSocket', noEcho, 'protocol', 1],
  ])
    for (const mode of [[], ['-r', '100']])
      await t.test(`${name} ${mode.join(' ')}`, async () => {
        const r = await measured([...SHORT, '--timeout', '400ms', ...mode, url]);
        sound(r);
        assert.ok(r.failures[failure] > 0, JSON.stringify(r.failures));
        assert.equal(r.failures[failure] + r.failures.unsent, r.failed, JSON.stringify(r.failures));
        assert.equal(r.status, code);
        assert.equal(r.rate, 0);
        assert.ok(r.trouble.length > 0);
        if (code) assert.match(r.stderr, /^fettle: .* gave no answer: /);
      });
  await t.test('an answer too many', async () => {
    const r = await measured([...SHORT, twice]);
    sound(r);
    assert.equal(r.status, 0);
    assert.ok(r.requests > 0);
  });
});

test('what finds no connection in time is not left out', { skip }, async (t) => {
  const url = await httpServer(t, () => {}); // never answers
  const r = await measured(['-r', '200', '-d', '500ms', '--warmup', 'off', '-c', '2', '--timeout', '300ms', url]);
  sound(r);
  assert.equal(r.requests, 100);
  assert.equal(r.failed, 100);
  assert.equal(r.failures.timeout + r.failures.unsent, 100, JSON.stringify(r.failures));
});

test('Ctrl-C reports what there is', { skip }, async (t) => {
  let child, seen = 0;
  const url = await httpServer(t, (req, res) => { if (++seen === 200) child.kill('SIGINT'); if (seen < 300) res.end('ok'); });
  const r = await measured(['-d', '1h', '--warmup', 'off', '-c', '4', url], { signal: (c) => (child = c) });
  assert.equal(r.status, 0);
  assert.ok(r.requests >= 150 && r.requests <= 300, `${r.requests}`);
  assert.ok(r.seconds < 60);
  assert.equal(r.failed, 0);
});

test('two targets in turns, with ratios', { skip }, async (t) => {
  const order = [];
  const a = await httpServer(t, (req, res) => { if (order.at(-1) !== 'a') order.push('a'); res.end('ok'); });
  const b = await httpServer(t, (req, res) => { if (order.at(-1) !== 'b') order.push('b'); setTimeout(() => res.end('ok'), 20); });
  const args = ['-d', '200ms', '--warmup', '50ms', '-c', '2', '--rounds', '3', a, b];
  const r = await measured(args);
  assert.equal(r.status, 0);
  assert.equal(order.join(''), 'abab', 'A B, B A, A B');
  assert.equal(r.rounds.length, 3);
  for (const round of r.rounds) { sound(round.a); sound(round.b); }
  sound(r.a);
  sound(r.b);
  assert.equal(r.a.requests, r.rounds.reduce((sum, round) => sum + round.a.requests, 0));
  assert.ok(Math.abs(r.a.seconds - 0.6) < 0.01);
  for (const key of ['rate', 'p50', 'p99']) {
    const { value, low, high } = r.ratio[key];
    assert.ok(low <= value && value <= high, key);
  }
  assert.ok(r.ratio.rate.value < 1 && r.ratio.p50.value > 1);
  const text = await bench(args);
  assert.match(text.stdout, /^second \/ first, 3 rounds in turns:\n {2}rate +0\.\d+, 95 % between 0\.\d+ and /m);
});

test('--hdr writes a distribution', { skip }, async (t) => {
  const url = await httpServer(t, (req, res) => res.end('ok'));
  const file = path.join(temporary(t), 'out.hgrm');
  const r = await measured([...SHORT, '--hdr', file, url]);
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  assert.match(lines[0], /^ +Value +Percentile +TotalCount 1\/\(1-Percentile\)$/);
  const rows = lines.filter((line) => /^ *\d/.test(line)).map((line) => line.trim().split(/ +/).map(Number));
  assert.equal(rows.at(-1)[1], 1);
  assert.equal(rows.at(-1)[2], r.requests);
  assert.ok(Math.abs(rows.at(-1)[0] * 1000 - r.latency_us.max) < 0.01);
  assert.match(lines.join('\n'), /#\[Max .* Total count +=/);
});

test('the report for people, and mistakes', { skip }, async (t) => {
  const url = await httpServer(t, (req, res) => res.end('ok'));
  const { status, stdout, stderr } = await bench([...SHORT, '-r', '100', url]);
  assert.equal(status, 0);
  assert.equal(stderr, '', 'no progress where there is no terminal');
  assert.match(stdout, /^http:.*: 100\/s constant, 4 connections, 0\.3 s\n\n {2}requests {2}30, /);
  assert.match(stdout, /\n {4}p99 +[\d.]+ (us|ms)\n/);
  const bad = path.join(temporary(t), 'mix.json');
  fs.writeFileSync(bad, '[{"path":"/"},{"wieght":1}]');
  for (const [args, says] of [
    [[], /^fettle: bench needs the URL of a server, such as http:/],
    [['localhost'], /^fettle: "localhost" is no URL/],
    [['https://localhost/'], /TLS is not spoken here/],
    [['--rate', 'fast', url], /^fettle: --rate: "fast" is not a whole number/],
    [['--duration', '10', url], /^fettle: --duration: "10" is not a duration/],
    [['--conections', '3', url], /^fettle: unknown flag --conections; did you mean --connections\?/],
    [['-Z', url], /^fettle: unknown flag -Z; `fettle bench --help` lists all\n$/],
    [['-t', '9', '-c', '4', url], /9 threads cannot share 4 connections/],
    [['-H', 'nocolon', url], /"nocolon" has no colon/],
    [['-H', 'Content-Length: 3', url], /written by the load generator itself/],
    [['--mix', bad, url], /mix\.json: kind 2: "wieght" is unknown; there are name/],
    [['--mix', bad, '-X', 'PUT', url], /--mix tells method, headers and body itself/],
    [['--body', 'a', '--body-file', bad, url], /exclude each other/],
    [['--unix2', '/x', url], /there is none/],
    [[url, url, url], /one or two URLs, and these are 3/],
    [[url, url.replace('http', 'ws')], /cannot be compared/],
    [['-X', 'PUT', url.replace('http', 'ws')], /has no method, path or headers/],
  ]) {
    const got = await bench(args);
    assert.match(got.stderr, says);
    assert.equal(got.status, 2, args.join(' '));
    assert.equal(got.stdout, '');
  }
  const help = await bench(['--help']);
  assert.equal(help.status, 0);
  for (const line of help.stdout.split('\n')) assert.ok([...line].length <= 80, line);
});
