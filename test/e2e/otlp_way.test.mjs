// otlp_way.test.mjs -- the way to the back end: TLS with a CA of one's own, a proxy on the way; and what a reload changes
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startFettle } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';
import { Receiver } from './helpers/otlp.mjs';

const SPAN = 'b7ad6b7169203331';
const TOKEN = 'a-token-that-no-proxy-may-see';

function folder(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-way-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const APP = "require('http').createServer((req, res) => res.end(JSON.stringify(req.headers))).listen(process.env.PORT);\n";

/** fettle with a small app; `settings`: of its fettle.json. */
async function start(t, { settings = {}, args = [], env = {} }) {
  const dir = folder(t);
  fs.writeFileSync(path.join(dir, 'app.js'), APP);
  const file = path.join(dir, 'fettle.json');
  const write = (more) => fs.writeFileSync(file, JSON.stringify({ run: 'app.js', workers: 1, 'otlp-signals': 'traces', ...settings, ...more }));
  write({});
  const run = await startFettle({ t, target: file, args, env: { FETTLE_RUNTIME_DIR: folder(t), ...env } });
  return { run, write };
}

/** A CA, and a certificate by it for 127.0.0.1. */
function certificates(t) {
  const dir = folder(t);
  const at = (name) => path.join(dir, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=a CA of one’s own', '-keyout', at('ca.key'), '-out', at('ca.pem'));
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=another', '-keyout', at('other.key'), '-out', at('other.pem'));
  openssl('req', ...key, '-subj', '/CN=back end', '-keyout', at('key.pem'), '-out', at('request.pem'));
  fs.writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1\n');
  openssl('x509', '-req', '-in', at('request.pem'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-set_serial', '1', '-days', '2', '-extfile', at('names'), '-out', at('cert.pem'));
  return { ca: at('ca.pem'), other: at('other.pem'), server: { key: fs.readFileSync(at('key.pem')), cert: fs.readFileSync(at('cert.pem')) } };
}

const answered = (run) => run.get('/', { headers: { traceparent: `00-${'1'.repeat(32)}-${SPAN}-01` } });
const arrived = (receiver, count = 1) => poll(() => receiver.spans.filter((s) => s.kind === 2).length >= count);

test('a back end with a CA of its own: otlp-certificate, or nothing is sent', async (t) => {
  const { ca, other, server } = certificates(t);
  const receiver = await new Receiver().start(t, 0, server);
  const settings = { otlp: receiver.url };
  const [right, wrong, system] = await Promise.all([
    start(t, { settings: { ...settings, 'otlp-certificate': ca } }),
    start(t, { settings: { ...settings, 'otlp-certificate': other } }),
    start(t, { settings }),
  ]);
  for (const { run } of [wrong, system]) {
    await answered(run);
    await run.line(/spans cannot be sent to https:\/\/127\.0\.0\.1:\d+: SSL peer certificate/);
  }
  assert.deepEqual(receiver.spans, []);
  await answered(right.run);
  await arrived(receiver);
  assert.deepEqual(receiver.bad, []);
});

/** An HTTP proxy on the way: what it was asked for, and with which fields. */
async function proxy(t) {
  const asked = [];
  const server = http.createServer((req, res) => {
    asked.push({ method: req.method, target: req.url, headers: req.headers });
    req.pipe(http.request(req.url, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    }).on('error', () => res.destroy()));
  });
  server.on('connect', (req, socket, head) => {
    asked.push({ method: 'CONNECT', target: req.url, headers: req.headers });
    const [host, port] = req.url.split(':');
    const way = net.connect(port, host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      way.write(head);
      way.pipe(socket).pipe(way);
    });
    for (const end of [socket, way]) end.on('error', () => (socket.destroy(), way.destroy()));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { asked, url: `http://127.0.0.1:${server.address().port}` };
}

// What the machine has of its own does not count: what is empty is not there.
const NO_WAY = Object.fromEntries(['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY'].map((name) => [name, '']));

test('HTTPS_PROXY and http_proxy are the way to the back end, NO_PROXY goes past them; a tunnel sees no secret', async (t) => {
  const { ca, server } = certificates(t);
  const [secure, plain, way] = await Promise.all([new Receiver().start(t, 0, server), new Receiver().start(t), proxy(t)]);
  const go = async (receiver, settings, env) => {
    const { run } = await start(t, { settings: { otlp: receiver.url, ...settings }, env: { ...NO_WAY, FETTLE_OTLP_HEADERS: `api-key=${TOKEN}`, ...env } });
    await answered(run);
  };
  await go(secure, { 'otlp-certificate': ca }, { HTTPS_PROXY: way.url });
  await arrived(secure);
  assert.deepEqual(way.asked.map(({ method, target }) => `${method} ${target}`), [`CONNECT 127.0.0.1:${secure.port}`]);
  assert.ok(!JSON.stringify(way.asked).includes(TOKEN));
  assert.equal(secure.requests[0].headers['api-key'], TOKEN);

  await go(plain, {}, { http_proxy: way.url });
  await arrived(plain);
  assert.equal(way.asked.at(-1).target, `${plain.url}/v1/traces`);

  const { length } = way.asked;
  await go(secure, { 'otlp-certificate': ca }, { HTTPS_PROXY: way.url, NO_PROXY: '127.0.0.1' });
  await arrived(secure, 2);
  assert.equal(way.asked.length, length);
});

test('a reload changes which requests are traced, and whose traces go on', async (t) => {
  const receiver = await new Receiver().start(t);
  const { run, write } = await start(t, { settings: { otlp: receiver.url, 'trace-sample': 'off' } });
  const trace = '2'.repeat(32);
  const seen = async (headers = {}) => (await run.get('/', { headers })).json().traceparent.split('-');
  const given = { traceparent: `00-${trace}-${SPAN}-01` };
  assert.equal((await seen())[3], '00');
  assert.equal((await seen(given))[1], trace);

  let reloads = 0;
  const reload = async (settings, changed) => {
    write(settings);
    run.kill('SIGHUP');
    reloads++;
    await poll(() => run.output.split('reloaded 1 worker').length > reloads);
    assert.ok(await changed(), JSON.stringify(settings));
  };
  await reload({ 'trace-sample': '100%' }, async () => (await seen())[3] === '01');
  assert.equal((await seen(given))[1], trace);
  await reload({ 'trace-sample': 'off', 'trace-parent': 'none' }, async () => (await seen(given))[1] !== trace);
  assert.equal((await seen(given))[3], '00');
  await reload({ 'trace-sample': 'off', 'trace-parent': 'trusted', 'trust-proxy': ['127.0.0.1'] }, async () => (await seen(given))[1] === trace);
  assert.deepEqual(receiver.bad, []);
});
