// What holds at one place only: an address, a route, an app; and what a reload makes of it.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, NODE, PATIENCE_MS, freePort, startFettle } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';

const skip = BARE && 'needs fettle';

/** Tells who answers, and what it was told. */
const SERVER = `
  require('node:http').createServer((req, res) => {
    let bytes = 0;
    req.on('data', (data) => (bytes += data.length)).on('end', () => {
      const wait = Number(new URL(req.url, 'http://x').searchParams.get('wait') ?? 0);
      const tell = () => res.end(JSON.stringify({ app: process.env.APP, pid: process.pid, url: req.url, bytes,
        prefix: req.headers['x-forwarded-prefix'], for: req.headers['x-forwarded-for'], env: process.env.SECRET_WORD }));
      wait ? setTimeout(tell, wait) : tell();
    });
  }).listen(process.env.PORT ?? 0, '127.0.0.1');`;

/** A folder of its own, in which runtime folders are made, too, so that no other fettle is seen. */
function place(t, files) {
  const cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fp-')));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  const write = (all) => {
    for (const [name, text] of Object.entries(all))
      fs.writeFileSync(path.join(cwd, name), typeof text === 'string' ? text : JSON.stringify(text, null, 2));
  };
  write({ 'server.js': SERVER, ...files });
  fs.mkdirSync(path.join(cwd, 'run'));
  const env = { FETTLE_RUNTIME_DIR: path.join(cwd, 'run') };
  const clean = { ...process.env, PATH: `${BUILD}:${path.dirname(fs.realpathSync(NODE))}:${process.env.PATH}` };
  for (const name of Object.keys(clean)) if (/^(FETTLE_|NO_COLOR$|NODE_OPTIONS$|npm_)/.test(name)) delete clean[name];
  const fettle = (...args) => spawnSync(path.join(BUILD, 'fettle'), args, { cwd, env: { ...clean, ...env }, encoding: 'utf8', timeout: 60000 });
  /** The same while this process goes on: its output. */
  const going = (...args) => new Promise((done) => execFile(path.join(BUILD, 'fettle'), args, { cwd, env: { ...clean, ...env } }, (_, stdout) => done(stdout)));
  const rows = () => JSON.parse(fettle('ps', '--json').stdout).apps;
  const run = async (target = 'fettle.json', more = {}) => {
    const app = await startFettle({ t, cwd, target, port: false, ready: false, ...more, env: { ...env, ...more.env } });
    await poll(() => rows().length && rows().every((row) => row.workers_ready === row.workers_wanted), { timeout: PATIENCE_MS });
    return app;
  };
  return { cwd, write, fettle, going, rows, run };
}

/** { status, json?, text } of a request; `at` is { port } or { socketPath }. */
function ask(at, target = '/', { body, method = body ? 'POST' : 'GET', headers, host = 'x' } = {}) {
  return new Promise((done, fail) => {
    const req = http.request({ host: '127.0.0.1', ...at, path: target, method, agent: false, headers: { host, ...headers } }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (data) => (text += data));
      res.on('end', () => done({ status: res.statusCode, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }));
      res.on('error', fail);
    });
    req.on('error', fail);
    req.end(body);
  });
}

test('routes on a unix socket, and what a route takes off the path', { skip }, async (t) => {
  const { cwd, run } = place(t, { 'fettle.json': {
    workers: 1, 'trust-proxy': ['127.0.0.1'],
    routes: { 'unix:run/front.sock': [{ path: '/api', app: 'api', strip: true }, { app: 'site' }] },
    apps: { site: { run: 'server.js', env: { APP: 'site' } }, api: { run: 'server.js', env: { APP: 'api' } } },
  } });
  const app = await run();
  const socketPath = path.join(cwd, 'run/front.sock');
  await app.line(new RegExp(`^fettle: unix:${socketPath} → the routes$`, 'm'));
  const { json } = await ask({ socketPath }, '/api/users?id=1', { headers: { 'x-forwarded-prefix': '/forged' } });
  assert.deepEqual([json.app, json.url, json.prefix], ['api', '/users?id=1', '/api']);
  const site = (await ask({ socketPath }, '/', { headers: { 'x-forwarded-prefix': '/forged' } })).json;
  assert.deepEqual([site.app, site.prefix], ['site', undefined]);
  // What was killed leaves its socket behind, which the next one may have.
  app.kill('SIGKILL');
  await app.exit();
  await run();
  assert.equal((await ask({ socketPath })).json.app, 'site');
});

test("filter_env of pm2's file is read again at a reload", { skip }, async (t) => {
  const config = (more) => `module.exports = { apps: [${JSON.stringify({ name: 'shop', script: 'server.js', instances: 1, ...more })}] };`;
  const { write, fettle, run } = place(t, { 'ecosystem.config.js': config({}) });
  const port = await freePort();
  const app = await run('ecosystem.config.js', { env: { SECRET_WORD: 'open', PORT: String(port) } });
  assert.equal((await ask({ port })).json.env, 'open');
  write({ 'ecosystem.config.js': config({ filter_env: ['SECRET_'] }) });
  assert.match(fettle('reload').stdout, /^ {4}shop: its environment has changed$/m);
  assert.equal((await ask({ port })).json.env, undefined);
  write({ 'ecosystem.config.js': config({}) });
  assert.equal(fettle('reload').status, 0);
  assert.equal((await ask({ port })).json.env, 'open');
  await app.stop();
});

const kilobytes = (n) => 'x'.repeat(n * 1024);

/** The status of a request with a body of so many KiB. */
const posted = async (at, target, n, more) => (await ask(at, target, { body: kilobytes(n), ...more })).status;

test('paths of an app have settings of their own, wherever it listens', { skip }, async (t) => {
  const { cwd, fettle, run } = place(t, { 'fettle.json': {
    run: 'server.js', name: 'shop', workers: 1, 'max-body': '2K', 'access-log': 'all.log', log: 'json',
    routes: [
      { path: '/upload', 'max-body': '20K', 'access-log': 'upload.log' },
      { path: '/upload/small', 'max-body': '1K' },
      { path: '/health', 'access-log': false },
      { path: '/quick', 'upstream-timeout': '150ms' },
      { host: 'big.example', 'max-body': false },
    ],
  } });
  const port = await freePort();
  const app = await run('.', { env: { PORT: String(port) } });
  const at = { port };
  assert.deepEqual(await Promise.all([
    posted(at, '/', 1), posted(at, '/', 4), posted(at, '/upload/x', 10), posted(at, '/%75pload', 10), posted(at, '/uploads', 10),
    posted(at, '/upload/small', 2), posted(at, '/upload', 30), posted(at, '/', 30, { host: 'Big.example:80' }),
    posted(at, '/x%2f..%2fupload', 1),
  ]), [200, 413, 200, 200, 413, 413, 413, 200, 400]);
  // Chunks, whose sum nobody has said before.
  assert.equal(await posted(at, '/', 4, { headers: { 'transfer-encoding': 'chunked' } }), 413);
  assert.equal(await posted(at, '/upload', 10, { headers: { 'transfer-encoding': 'chunked' } }), 200);
  assert.equal((await ask(at, '/quick?wait=20000')).status, 504);
  assert.equal((await ask(at, '/?wait=300')).status, 200);
  assert.equal((await ask(at, '/health')).status, 200);
  const told = JSON.parse(fettle('describe', 'shop', '--json').stdout).places;
  assert.deepEqual(told.map(({ kind, path: at, host }) => [kind, host, at]), [
    ['route', undefined, '/upload'], ['route', undefined, '/upload/small'], ['route', undefined, '/health'],
    ['route', undefined, '/quick'], ['route', 'big.example', undefined]]);
  assert.deepEqual(told[0].settings[0], { name: 'max-body', value: '20K', from: 'fettle.json:11 routes[0].max-body', reloadable: true });
  assert.match(fettle('describe', 'shop').stdout, /^route \/quick +upstream-timeout +150ms +fettle\.json:24 routes\[3\]\.upstream-timeout$/m);
  const shown = fettle('config', 'show').stdout;
  assert.match(shown, /^route \/upload\n {2}max-body +20K +fettle\.json:11 routes\[0\]\.max-body\n {2}access-log +\/.*\/upload\.log +fettle\.json:12 routes\[0\]\.access-log$/m);
  assert.deepEqual(JSON.parse(fettle('config', 'show', '--json').stdout).places.length, 5);
  await app.stop();
  const targets = (name) => fs.readFileSync(path.join(cwd, name), 'utf8').trim().split('\n').map((line) => JSON.parse(line).target);
  assert.deepEqual([...new Set(targets('upload.log'))].sort(), ['/%75pload', '/upload', '/upload/x']);
  assert.ok(targets('all.log').includes('/upload/small'));
  assert.ok(!targets('all.log').some((target) => target === '/health' || target === '/upload'));

  const strict = await run('.', { env: { PORT: String(port) }, args: ['--max-body', '1K'] });
  assert.equal(await posted(at, '/upload', 10), 413, 'a flag wins over all that a file says');
  await strict.stop();
});

test('listeners have settings of their own, and a route wins over them', { skip }, async (t) => {
  const [front, back, own] = [await freePort(), await freePort(), await freePort()];
  const { run, fettle } = place(t, { 'fettle.json': {
    workers: 1, 'max-body': '1K',
    listeners: {
      [`127.0.0.1:${front}`]: { 'max-body': '8K', 'trust-proxy': ['127.0.0.1'], 'max-connections': 2, 'max-head': '40K', 'max-fields': 300 },
      [`:${own}`]: { 'max-body': '4K', 'idle-timeout': '200ms' },
      'unix:nowhere.sock': { 'max-body': '4K' },
    },
    routes: {
      [`127.0.0.1:${front}`]: [{ app: 'site' }, { path: '/up', app: 'site', 'max-body': '64K' }, { path: '/api', app: 'api' }],
      [`127.0.0.1:${back}`]: [{ app: 'site' }],
    },
    apps: {
      site: { run: 'server.js', env: { APP: 'site', PORT: String(own) }, routes: [{ path: '/up', 'max-body': '32K' }] },
      api: { run: 'server.js', env: { APP: 'api' }, 'max-body': '2K' },
    },
  } });
  const app = await run();
  await app.line(/^fettle: warning: listeners\.unix:\/.*\/nowhere\.sock: nothing listens there, so what is said for it has no effect$/m);
  assert.ok(!app.output.includes(`listeners.:${own}: nothing`) && !app.output.includes(`listeners.127.0.0.1:${front}: nothing`));
  assert.deepEqual(await Promise.all([posted({ port: back }, '/', 2), posted({ port: own }, '/', 2), posted({ port: own }, '/', 6), posted({ port: own }, '/up', 20)]),
    [413, 200, 413, 200]);
  for (const [target, n, status] of [['/', 6, 200], ['/', 12, 413], ['/api', 6, 200], ['/api', 12, 413], ['/up', 50, 200], ['/up', 70, 413]])
    assert.equal(await posted({ port: front }, target, n), status, `${n}K to ${target}`);
  // Whom it believes is its own affair, too.
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  assert.equal((await ask({ port: front }, '/', { headers })).json.for, '203.0.113.9');
  assert.equal((await ask({ port: back }, '/', { headers })).json.for, '127.0.0.1');
  const large = { ...headers, 'x-large': kilobytes(12) };
  assert.equal((await ask({ port: back }, '/', { headers: { ...large, 'x-more': kilobytes(8) } })).status, 431);
  assert.notEqual((await ask({ port: front }, '/', { headers: { ...large, 'x-more': kilobytes(8) } })).text, '431 Request Header Fields Too Large: the head is too large\n');
  // Two connections, and the third is turned away; elsewhere it is not.
  const open = [net.connect(front, '127.0.0.1'), net.connect(front, '127.0.0.1')];
  await Promise.all(open.map((socket) => once(socket, 'connect')));
  await app.until(async () => (await ask({ port: front }).catch(() => ({ status: 503 }))).status === 503, { what: 'the third connection' });
  assert.equal((await ask({ port: back })).status, 200);
  open.forEach((socket) => socket.destroy());
  await app.until(async () => (await ask({ port: front })).status === 200, { what: 'a place again' });
  // A connection that rests is closed soon at one address.
  const resting = net.connect(own, '127.0.0.1').resume();
  await once(resting, 'close');
  assert.match(fettle('describe', 'api').stdout, new RegExp(`^route 127\\.0\\.0\\.1:${front} /up → site +max-body +64K `, 'm'));
  await app.stop();
});

test('a reload changes what holds for a place, and drops no connection', { skip }, async (t) => {
  const [front, more] = [await freePort(), await freePort()];
  const settings = (routes, listeners = {}) => ({ 'fettle.json': {
    workers: 1, routes, listeners, apps: { site: { run: 'server.js', env: { APP: 'site' } }, api: { run: 'server.js', env: { APP: 'api' } } },
  } });
  const at = `127.0.0.1:${front}`;
  const { run, fettle, write } = place(t, settings({ [at]: [{ app: 'site', 'max-body': '1K' }] }));
  const app = await run();
  const proxy = JSON.parse(fettle('describe', 'site', '--json').stdout).supervisor.proxy_pid;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const kept = (target, body) => new Promise((done, fail) => {
    const req = http.request({ port: front, host: '127.0.0.1', agent, path: target, method: 'POST' }, (res) => {
      res.resume().on('end', () => done([res.statusCode, req.reusedSocket]));
    });
    req.on('error', fail).end(body);
  });
  t.after(() => agent.destroy());
  assert.deepEqual(await kept('/', 'x'), [200, false]);
  const running = ask({ port: front }, '/?wait=1500');

  write(settings({ [at]: [{ app: 'site', 'max-body': '9K' }, { path: '/api', app: 'api', slow: '3s' }], [`127.0.0.1:${more}`]: [{ app: 'api', strip: true }] },
    { [at]: { 'max-head': '20K', 'idle-timeout': '30s' } }));
  const { stdout, stderr } = fettle('reload', 'site');
  assert.match(stdout, new RegExp(`^ {4}route ${at} /: max-body: 9K instead of 1K$`, 'm'), stderr);
  assert.match(stdout, new RegExp(`^ {4}route ${at} /api: is new, and leads to api$`, 'm'));
  assert.match(stdout, new RegExp(`^ {4}route ${at} /api: slow: 3s instead of nothing of its own$`, 'm'));
  assert.match(stdout, new RegExp(`^ {4}listener ${at}: idle-timeout: 30s instead of nothing of its own$`, 'm'));
  assert.match(stdout, new RegExp(`^ {4}listener ${at}: max-head: stays nothing of its own: 20K needs a new start`, 'm'));
  await app.line(new RegExp(`^fettle: http://127\\.0\\.0\\.1:${more} → the routes$`, 'm'));
  assert.deepEqual(await kept('/', kilobytes(4)), [200, true], 'the connection is the same');
  assert.equal((await ask({ port: front }, '/api')).json.app, 'api');
  assert.equal((await app.until(() => ask({ port: more }).catch(() => null), { what: 'the new address' })).json.app, 'api');
  assert.equal((await running).status, 200, 'what ran goes on');

  // A mistake, and an address that cannot be had: nothing changes.
  const taken = net.createServer();
  await new Promise((done) => taken.listen(0, '127.0.0.1', done));
  t.after(() => taken.close());
  for (const [routes, says] of [
    [{ [at]: [{ app: 'site', 'max-bdy': '1K' }] }, /max-bdy: unknown setting of a route; did you mean "max-body"\?/],
    [{ [at]: [{ app: 'site', 'max-body': '1K' }], [`127.0.0.1:${taken.address().port}`]: [{ app: 'site' }] }, /routes: 127\.0\.0\.1:\d+: Address already in use/],
  ]) {
    write(settings(routes));
    const bad = fettle('reload', 'site');
    assert.equal(bad.status, 1);
    assert.match(bad.stderr, says);
    assert.deepEqual(await kept('/', kilobytes(4)), [200, true]);
    assert.equal((await ask({ port: front }, '/api')).json.app, 'api');
  }
  write(settings({ [at]: [{ app: 'api' }] }));
  assert.match(fettle('reload', 'site').stdout, new RegExp(`^ {4}route ${at} /: leads to api instead of site$`, 'm'));
  await app.until(() => ask({ port: more }).then(() => false, () => true), { what: 'the end of the other address' });
  assert.equal((await ask({ port: front })).json.app, 'api');
  assert.equal(JSON.parse(fettle('describe', 'site', '--json').stdout).supervisor.proxy_pid, proxy, 'the proxy is told, not started again');
  process.kill(proxy, 'SIGKILL');
  assert.equal((await app.until(() => ask({ port: front }).catch(() => null), { what: 'the next proxy' })).json.app, 'api');
  await app.stop();
});

test('a reload starts an app that is new and ends one that is gone', { skip }, async (t) => {
  const [front, shop, jobs] = [await freePort(), await freePort(), await freePort()];
  const settings = (apps, routes) => ({ 'fettle.json': { workers: 1, routes: { [`127.0.0.1:${front}`]: routes }, apps } });
  const site = { run: 'server.js', env: { APP: 'site' } };
  const { run, fettle, going, write, rows } = place(t, settings({ shop: { run: 'server.js', env: { APP: 'shop', PORT: String(shop) } }, site }, [{ app: 'site' }]));
  const app = await run();
  const names = () => rows().map(({ name }) => name);
  const before = (await ask({ port: front })).json.pid;
  const running = ask({ port: shop }, '/?wait=1200');
  await app.until(async () => (await app.admin('/api/app')).json().proxy.active_requests > 0, { what: 'the request to run' });

  write(settings({ jobs: { run: 'server.js', env: { APP: 'jobs', PORT: String(jobs) } }, site }, [{ app: 'site' }, { path: '/jobs', app: 'jobs' }]));
  const { stdout, stderr, status } = fettle('reload', 'all');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^ {4}jobs: is new, and starts$/m);
  assert.match(stdout, /^ {4}shop: is no longer there; what it has begun is finished, then it stops$/m);
  await app.line(/^fettle: jobs: is new, and starts$/m);
  await app.line(/^fettle: shop: is no longer there/m);
  assert.equal((await running).json.app, 'shop', 'what it had begun was finished');
  assert.equal((await app.until(() => ask({ port: jobs }).catch(() => null), { what: 'jobs' })).json.app, 'jobs');
  assert.equal((await app.until(async () => { const seen = await ask({ port: front }, '/jobs'); return seen.status === 200 && seen; })).json.app, 'jobs');
  await app.until(() => names().join() === 'site,jobs', { what: 'shop to be gone' });
  await app.until(() => ask({ port: shop }).then(() => false, () => true), { what: 'its address to be closed' });
  assert.equal(fettle('describe', 'shop').status, 3);
  assert.equal(fettle('start', 'shop').status, 3);
  assert.notEqual((await ask({ port: front })).json.pid, before, 'site was reloaded');
  const { text } = await app.admin('/metrics');
  assert.match(text, /^fettle_workers_wanted\{app="jobs"\} 1$/m);
  assert.doesNotMatch(text, /^fettle_workers_wanted\{app="shop"\}/m);
  assert.deepEqual((await app.admin('/api/apps')).json().map(({ name }) => name), ['site', 'jobs']);

  // It comes back; then everything goes on under another name, at the same address, and no client is refused.
  write(settings({ shop: { run: 'server.js', env: { APP: 'shop', PORT: String(shop) } }, site }, [{ app: 'site' }]));
  assert.match(fettle('reload', 'site').stdout, /^ {4}shop: is back, and starts$/m);
  assert.equal((await app.until(() => ask({ port: shop }).catch(() => null), { what: 'shop again' })).json.app, 'shop');
  let stop = false;
  const seen = new Set();
  const client = (async () => {
    while (!stop) {
      const { status, json } = await ask({ port: shop });
      assert.equal(status, 200);
      seen.add(json.app);
    }
  })();
  await app.until(() => seen.has('shop'), { what: 'the old name' });
  write(settings({ store: { run: 'server.js', env: { APP: 'store', PORT: String(shop) } }, site }, [{ app: 'site' }]));
  assert.match(await going('reload', 'site'), /^ {4}store: is new, and starts$/m);
  await app.until(() => seen.has('store'), { what: 'the new name' });
  stop = true;
  await client;
  assert.deepEqual([...seen], ['shop', 'store']);
  app.kill('SIGTERM');
  assert.equal((await app.exit()).code, 0);
});

test('a single app becomes one of several', { skip }, async (t) => {
  const [one, two] = [await freePort(), await freePort()];
  const shop = { run: 'server.js', workers: 1, env: { APP: 'shop', PORT: String(one) } };
  const { run, fettle, write, rows } = place(t, { 'fettle.json': { apps: { shop } } });
  const app = await run();
  assert.equal((await ask({ port: one })).json.app, 'shop');
  write({ 'fettle.json': { apps: { shop, mail: { run: 'server.js', workers: 1, env: { APP: 'mail', PORT: String(two) } } } } });
  app.kill('SIGHUP');
  await app.line(/^fettle: mail: is new, and starts$/m);
  assert.equal((await app.until(() => ask({ port: two }).catch(() => null), { what: 'mail' })).json.app, 'mail');
  await app.line(/^fettle: shop: reloaded 1 worker$/m);
  assert.deepEqual(rows().map(({ name }) => name), ['shop', 'mail']);
  assert.match(fettle('stop', 'shop').stdout, /^shop: stopped/);
  assert.equal((await ask({ port: two })).json.app, 'mail');
  await app.stop();
});
