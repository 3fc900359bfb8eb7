// What each route costs: how often, how it ends, how large, how much of the loop, of a CPU, of memory.
// Counts are what was asked; times and allocations are within bounds that luck cannot break.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BUILD, ROOT, fixture, nodeOf, startFettle } from './helpers/fettle.mjs';
import { builtNext } from './helpers/next.mjs';

const PLAN = { '/users/1234': 7, '/users/1235?x=1': 4, '/fails': 3, '/large': 5, '/burns': 5, '/waits': 5 };
const route = (rows, name, method = 'GET') => rows.find((r) => r.route === name && r.method === method);
const apiRoutes = async (app) => (await app.admin('/api/routes')).json();

/** The rows, once `enough` says so. */
const rowsOnce = (app, enough, what) =>
  app.until(async () => {
    const { routes } = await apiRoutes(app);
    return enough(routes) && routes;
  }, { what });

const frameworks = [
  ...[20, 22, 24].flatMap((major) => ['http', 'express', 'fastify'].map((name) => [name, major])),
  ['express4', 20], ['koa', 22], ['koa-router', 22], ['nest', 22], ['nest-fastify', 22],
];

for (const [name, major] of frameworks)
  test(`node ${major}, ${name}: what was asked is what is counted`, async (t) => {
    const app = await startFettle({ t, target: path.join(fixture('routes'), 'app.js'), args: ['-w', '1'], appArgs: [name], node: nodeOf(major) });
    for (const [target, times] of Object.entries(PLAN))
      for (let i = 0; i < times; i++) assert.equal((await app.get(target)).status, target === '/fails' ? 500 : 200);
    const value = { b: 'b'.repeat(12337) }; // 12345 bytes as JSON
    assert.equal((await app.post('/users/1236', value)).status, 200);
    for (let i = 0; i < 6; i++) assert.equal((await app.get(`/secret-${i}.php`)).status, 404);

    const rows = await rowsOnce(app, (all) => route(all, '/burns')?.cpu_ms > 0 && route(all, '/burns').requests === 5, 'CPU time of /burns');
    assert.deepEqual(
      rows.filter((r) => r.route).map((r) => [r.method, r.route, r.requests, r.errors, r.named_by]).sort(),
      [['GET', '/burns', 5, 0], ['GET', '/fails', 3, 3], ['GET', '/large', 5, 0], ['GET', '/users/:id', 11, 0], ['GET', '/waits', 5, 0], ['POST', '/users/:id', 1, 0]]
        .map((r) => [...r, name === 'http' ? 'path' : 'app']));
    assert.equal(route(rows, null).requests, 6, 'what the app does not know');
    assert.equal(route(rows, '/users/:id', 'POST').request_bytes_total, 12345);
    assert.ok(route(rows, '/large').response_bytes > 100000 && route(rows, '/large').response_bytes < 101000);
    assert.equal(route(rows, '/large').response_bytes_total, 5 * route(rows, '/large').response_bytes);

    const burns = route(rows, '/burns'), waits = route(rows, '/waits');
    assert.ok(burns.loop_ms >= 15 && burns.loop_ms <= burns.mean_ms + 1, `${burns.loop_ms} of the loop`);
    assert.ok(burns.cpu_ms > 0 && burns.cpu_ms <= burns.loop_ms, `${burns.cpu_ms} of CPU`);
    assert.ok(waits.mean_ms >= 15 && waits.loop_ms < burns.loop_ms / 2, `a timer runs nothing: ${waits.loop_ms}`);
    const metrics = (await app.admin('/metrics')).text;
    assert.match(metrics, /^fettle_route_request_bytes_total\{method="POST",route="\/users\/:id"\} 12345$/m);
    assert.match(metrics, /^http_requests_total\{method="GET",route="\/users\/:id",status_code="200"\} 11$/m);
    assert.match(metrics, /^fettle_route_cpu_seconds_total\{method="GET",route="\/burns"\} 0\.\d+$/m);
    assert.equal((await app.stop()).code, 0);
  });

for (const major of [20, 22, 24, 26])
  test(`node ${major}: what a request allocates`, async (t) => {
    const app = await startFettle({ t, target: path.join(fixture('routes'), 'app.js'), args: ['-w', '1'], appArgs: ['http'], node: nodeOf(major) });
    const known = ['/nothing', '/kb10', '/mb1'];
    for (let i = 0; i < 60; i++) for (const name of known) await app.get(name); // compiled, and nothing new
    const seen = async () => Object.fromEntries((await apiRoutes(app)).routes.map((r) => [r.route, { n: r.measured, bytes: r.measured * (r.allocated_bytes ?? 0) }]));
    const round = async () => {
      const before = await seen();
      let after;
      await app.until(async () => {
        for (let i = 0; i < 4; i++) for (const name of known) await app.get(name);
        after = await seen();
        return known.every((name) => after[name].n - before[name].n >= 40);
      }, { what: '40 measured requests of each route' });
      return known.map((name) => (after[name].bytes - before[name].bytes) / (after[name].n - before[name].n));
    };
    // V8 allocates for itself now and then: what it compiles, what it learns. One of a few rounds is without.
    let nothing, small, large;
    for (let i = 0; i < 5; i++) {
      [nothing, small, large] = await round();
      t.diagnostic(`${nothing.toFixed(0)}, ${small.toFixed(0)}, ${large.toFixed(0)} bytes`);
      if (Math.abs(small - nothing - 10240) < 2048 && Math.abs(large - nothing - 1048576) < 209715) break;
    }
    assert.ok(Math.abs(small - nothing - 10240) < 2048, `10 KB: ${small} beside ${nothing}`);
    assert.ok(Math.abs(large - nothing - 1048576) < 209715, `1 MB: ${large}`);
    assert.ok(nothing < 30000, `a plain request: ${nothing}`);
  });

test('fettle routes --sort puts the largest first', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fettle-sorted-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const target = path.join(folder, 'app.js');
  writeFileSync(target, "require('node:http').createServer((req, res) => res.end('x'.repeat(req.url === '/c' ? 9000 : 1))).listen(process.env.PORT);");
  const app = await startFettle({ t, target, args: ['-w', '1'], env: { FETTLE_RUNTIME_DIR: folder } });
  for (const [url, times] of [['/a', 1], ['/b', 3], ['/c', 2]]) for (let i = 0; i < times; i++) assert.equal((await app.get(url)).status, 200);
  await app.until(async () => (await app.admin('/api/routes')).json().routes.reduce((sum, r) => sum + r.requests, 0) === 6, { what: 'six requests' });
  const routes = (...args) => spawnSync(path.join(BUILD, 'fettle'), ['routes', '--runtime-dir', folder, ...args], { encoding: 'utf8' });
  const order = (...args) => JSON.parse(routes('--json', ...args).stdout).routes.map((r) => r.route).join(' ');
  assert.equal(order(), '/a /b /c');
  assert.equal(order('--sort', 'requests'), '/b /c /a');
  assert.equal(order('--sort', 'sent'), '/c /b /a');
  const table = routes('--sort', 'requests').stdout.split('\n').slice(1, 4).map((line) => /GET (\S+)/.exec(line)[1]);
  assert.deepEqual(table, ['/b', '/c', '/a']);
  const wrong = routes('--sort', 'beauty');
  assert.deepEqual([wrong.status, /requests.*loop-total/s.test(wrong.stderr)], [2, true], wrong.stderr);
});

test('strangers cannot make series: paths of one app are bounded', async (t) => {
  const app = await startFettle({ t, target: fixture('http-cjs/server.js'), args: ['-w', '1'] });
  for (let i = 0; i < 300; i++) await app.get(`/no-such-${String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26))}`);
  const { routes } = await apiRoutes(app);
  assert.ok(routes.length < 80, `${routes.length} rows`);
});

test('Next.js: routes as Next names them', { timeout: 300000 }, async (t) => {
  const app = await startFettle({ t, target: 'npm:start', cwd: await builtNext(), args: ['-w', '1'], env: { NEXT_TELEMETRY_DISABLED: '1', FIXTURE_ROOT: ROOT } });
  const page = await app.get('/');
  const asset = /\/_next\/static\/[^"]+\.js/.exec(page.text)[0];
  const asked = [
    ['/items/7', 200, '/items/[id]'], ['/items/8', 200, '/items/[id]'], ['/docs/a/b/c', 200, '/docs/[...slug]'],
    ['/api/things/42', 200, '/api/things/[id]'], ['/api/things/bad', 500, '/api/things/[id]'],
    ['/api/legacy/9', 200, '/api/legacy/[id]'], ['/old/ann', 200, '/old/[name]'], ['/refused/x', 403, '(middleware)'],
    [asset, 200, '/_next/static/*'],
  ];
  const expected = { '/': 1 };
  for (const [target, status, name] of asked) {
    assert.equal((await app.get(target)).status, status, target);
    expected[name] = (expected[name] ?? 0) + 1;
  }
  await app.until(async () => { // a request is counted when its answer has been sent
    const { routes } = await apiRoutes(app);
    assert.deepEqual(Object.fromEntries(routes.filter((r) => r.route).map((r) => [r.route, r.requests])), expected);
    return route(routes, '/api/things/[id]').errors === 1;
  }, { what: 'each request at its route' });
});
