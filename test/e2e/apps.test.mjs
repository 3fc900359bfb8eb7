// Several apps under one supervisor, behind one proxy, with one monitor.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, alive, connectable, freePort, raw, request, startFettle } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';

/** Tells who answers. */
const SERVER = `
  require('node:http').createServer((req, res) => {
    if (req.url === '/die') process.exit(3);
    res.end(JSON.stringify({ app: process.env.APP, pid: process.pid, url: req.url, instance: process.env.NODE_APP_INSTANCE }));
  }).listen(process.env.PORT);`;

function folder(t, files) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-apps-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files))
    fs.writeFileSync(path.join(root, name), typeof text === 'string' ? text : JSON.stringify(text, null, 2));
  return root;
}

/** apps: { NAME: settings }; those without `run` serve on a port of their own. */
async function run(t, apps, { args = [], files = {}, routes, ...more } = {}) {
  const ports = {};
  for (const [name, app] of Object.entries(apps)) {
    app.run ??= 'server.js';
    ports[name] = await freePort();
    app.env = { APP: name, PORT: ports[name], ...app.env };
  }
  const cwd = folder(t, { 'server.js': SERVER, 'fettle.json': { routes, apps }, ...files });
  const run = await startFettle({ t, cwd, target: 'fettle.json', port: false, ready: false, args, ...more });
  const get = async (name, url = '/') => (await request({ port: ports[name], path: url })).json();
  const serving = (name) => run.until(() => connectable(ports[name]), { what: `the port of ${name}` });
  return { run, ports, get, serving, cwd };
}

test('each app has its own workers, port and life', { skip }, async (t) => {
  const { run: it, ports, get, serving } = await run(t, {
    shop: { workers: 2 },
    api: { workers: 1 },
    script: { workers: 1, run: 'script.js' },
    broken: { workers: 1, run: 'broken.js' },
  }, { files: { 'script.js': 'console.log("done")', 'broken.js': 'throw new Error("broken")' } });
  await serving('shop');
  await serving('api');
  await it.line(/^fettle: shop: 2 workers ready in /m);
  await it.line(/^script 1 \| done$/m);
  await it.line(/^fettle: script: all workers have finished$/m);
  await it.line(/^fettle: error: app broken does not start: 3 tries have failed/m);
  assert.equal((await get('shop')).app, 'shop');
  const { app, pid, instance } = await get('api');
  assert.deepEqual([app, instance], ['api', '0']);

  await t.test('what dies is replaced, and the other app does not notice', async () => {
    await request({ port: ports.api, path: '/die' });
    await it.until(async () => (await get('api').catch(() => ({ pid }))).pid !== pid, { what: 'another process of api' });
    assert.match(it.output, /^fettle: warning: api worker 1 \(pid \d+\) has ended: exit code 3$/m);
    assert.doesNotMatch(it.output, /shop worker \d \(pid/);
  });

  await t.test('SIGHUP reloads all that run', async () => {
    const before = (await get('api')).pid;
    it.kill('SIGHUP');
    await it.line(/^fettle: shop: reloaded 2 workers$/m);
    await it.line(/^fettle: api: reloaded 1 worker$/m);
    assert.notEqual((await get('api')).pid, before);
    assert.doesNotMatch(it.output, /script: reload|broken: reload/);
  });

  await t.test('SIGTERM ends all', async () => {
    const { pid: last } = await get('shop');
    it.kill('SIGTERM');
    assert.equal((await it.exit()).code, 0);
    assert.equal(alive(last), false);
  });
});

/** A request as it is written, whose path no client library has tidied up. */
async function ask(port, path, host = 'x') {
  const { text } = await raw(port, `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  const [head, body] = text.split('\r\n\r\n');
  const status = Number(head.split(' ')[1]);
  return status === 200 ? JSON.parse(body) : { status, body };
}

test('one address leads to several apps by host and path', { skip }, async (t) => {
  const port = await freePort();
  const { run: it, serving } = await run(t, { shop: { workers: 2 }, api: { workers: 1 } }, {
    args: ['--log', 'json', '--access-log', 'access.log'],
    routes: { [`127.0.0.1:${port}`]: [
      { host: 'shop.example', app: 'shop' },
      { host: 'shop.example', path: '/api', app: 'api', strip: true },
      { host: '*.example.org', path: '/v1', app: 'api' },
    ] },
  });
  await serving('shop');
  await serving('api');
  for (const [path, host, app, url = path] of [
    ['/', 'shop.example', 'shop'], ['/apis?x', 'SHOP.example:80', 'shop'],
    ['/api', 'shop.example', 'api', '/'], ['/api/a%20b?x=1', 'shop.example.', 'api', '/a%20b?x=1'],
    ['/v1/x', 'a.b.example.org', 'api'], ['/%76%31/../v1/x', 'a.example.org', 'api'],
  ])
    await t.test(`${host}${path}`, async () => {
      const seen = await it.until(() => ask(port, path, host), { what: 'an answer' });
      assert.deepEqual([seen.app, seen.url], [app, url], JSON.stringify(seen));
    });
  for (const [path, host, status] of [
    ['/', 'other.example', 404], ['/v2', 'a.example.org', 404], ['/v1/../v2', 'a.example.org', 404],
    ['//api', 'shop.example', 400], ['/x%2f..%2fapi', 'shop.example', 400], ['/%61pi', 'shop.example', 400],
  ])
    await t.test(`${host}${path} is a ${status}`, async () => {
      const answer = await ask(port, path, host);
      assert.equal(answer.status, status);
      assert.match(answer.body, status === 404 ? /^404 Not Found: no app has this host and path$/m : /read in two ways/);
    });
  await t.test('one connection may lead to several apps', async () => {
    const one = (path) => `GET ${path} HTTP/1.1\r\nhost: shop.example\r\n${path === '/z' ? 'connection: close\r\n' : ''}\r\n`;
    const { text } = await raw(port, one('/') + one('/api/x') + one('/z'));
    assert.deepEqual([...text.matchAll(/"app":"(\w+)"/g)].map(([, app]) => app), ['shop', 'api', 'shop']);
  });
  await t.test('metrics and pages go by app', async () => {
    await it.until(async () => { // a request is counted when its answer has been sent
      const { text } = await it.admin('/metrics');
      assert.match(text, /^fettle_workers_wanted\{app="shop"\} 2$/m);
      assert.match(text, /^fettle_worker_state\{app="api",worker="1",state="ready"\} 1$/m);
      assert.match(text, /^http_requests_total\{app="api",method="GET",route="\(none\)",status_code="200"\} \d+$/m);
      assert.match(text, /^http_requests_total\{method="GET",route="\(none\)",status_code="404"\} 3$/m);
      assert.match(text, /^fettle_proxy_refused_total\{reason="no_route"\} 3$/m);
      return true;
    }, { what: 'what was asked in the metrics' });
    const apps = (await it.admin('/api/apps')).json();
    assert.deepEqual(apps.map(({ name, state, workers_ready: ready }) => [name, state, ready]), [['shop', 'running', 2], ['api', 'running', 1]]);
    assert.deepEqual((await it.workers()).map(({ app, worker }) => [app, worker]), [['shop', 1], ['shop', 2], ['api', 1]]);
    assert.deepEqual((await it.admin('/api/lanes')).json().apps.map(({ app }) => app), ['shop', 'api']);
    assert.equal((await it.admin('/readyz')).status, 200);
  });
});

test('an address that two apps ask for', { skip }, async (t) => {
  const PORT = await freePort();
  const { run: it } = await run(t, { shop: { workers: 1, env: { PORT } }, api: { workers: 1, env: { PORT } } });
  await it.line(/^fettle: error: app (shop|api) cannot listen on http:\/\/localhost:\d+: app (shop|api) does already/m);
  await it.line(/^fettle: error: app (shop|api) does not start/m);
  assert.match((await request({ port: PORT, path: '/' })).json().app, /shop|api/);
});

test('when the last app is over, fettle ends', { skip }, async (t) => {
  const files = { 'a.js': 'console.log("a")', 'bad.js': 'process.exit(5)' };
  const well = await run(t, { a: { run: 'a.js' }, b: { run: 'a.js' } }, { args: ['-w', '1'], files });
  assert.equal((await well.run.exit()).code, 0);
  const badly = await run(t, { a: { run: 'a.js' }, b: { run: 'bad.js' } }, { args: ['-w', '1'], files });
  assert.equal((await badly.run.exit()).code, 1);
});

test('in JSON each line names its app', { skip }, async (t) => {
  const { run: it } = await run(t, { a: { run: 'a.js' }, b: { run: 'a.js' } },
    { args: ['-w', '1', '--log', 'json'], files: { 'a.js': 'console.log("hello")' } });
  await it.exit();
  const apps = it.lines.filter((line) => line.includes('hello')).map((line) => JSON.parse(line).app);
  assert.deepEqual(apps.sort(), ['a', 'b']);
});
