// upstream_names.test.mjs -- hosts by their names: what DNS says, when it says something else, and when it
// says nothing, with a name server of this test's own
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { BARE, freePort, startFettle } from './helpers/fettle.mjs';
import { nameServer } from './helpers/dns.mjs';
import { load } from './helpers/load.mjs';

const skip = BARE && 'needs fettle';
const closers = [];
after(async () => {
  for (const close of closers.reverse()) await close();
});

/** The same port on several addresses; each answers with its own. */
async function hosts(ips) {
  for (;;) {
    const port = await freePort();
    const all = {};
    try {
      for (const ip of ips) {
        const self = { ip, asked: 0 };
        self.server = http.createServer((req, res) => (self.asked++, res.end(JSON.stringify({ ip }))));
        await new Promise((done, failed) => self.server.once('error', failed).listen(port, ip, done));
        closers.push(() => (self.server.close(), self.server.closeAllConnections()));
        all[ip] = self;
      }
      return { port, all };
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error;
    }
  }
}

const A = '127.0.0.2', B = '127.0.0.3', C = '127.0.0.4';
const addresses = (...ips) => ips.map((address) => ({ address }));
let dns, run, cwd, port, all;
const rows = async (route) => (await run.admin('/api/upstreams')).json().upstreams.filter((row) => row.route === route);
/** The addresses that get requests. */
const up = async (route) => (await rows(route)).filter(({ state }) => state === 'up').map(({ endpoint }) => endpoint.split(':')[0]).sort().join();
const isUp = (route, ...ips) => run.until(async () => (await up(route)) === ips.join(), { what: `${route} to have ${ips}` });
const metric = async (name, route) => {
  const line = (await run.admin('/metrics')).text.split('\n').find((one) => one.startsWith(`${name}{`) && one.includes(`route="${route}"`));
  return line && Number(line.split(' ').at(-1));
};

before(async () => {
  if (skip) return;
  ({ port, all } = await hosts([A, B, C]));
  dns = await nameServer({
    'api.test': addresses(A, B),
    'stays.test': addresses(A),
    'gone.test': addresses(B),
    'cut.test': addresses(C),
    'odd.test': [{ address: '0.0.0.0' }, { address: C }],
    'evil.test': 'garbage',
    '_http._tcp.svc.test': [
      { target: 'a.svc.test', port, priority: 1, weight: 9 },
      { target: 'b.svc.test', port, priority: 1, weight: 1 },
      { target: 'c.svc.test', port, priority: 2 },
    ],
    'a.svc.test': addresses(A),
    'b.svc.test': addresses(B),
    'c.svc.test': addresses(C),
  }, { truncate: ['cut.test'] });
  closers.push(() => dns.close());
  cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fn-')));
  fs.mkdirSync(path.join(cwd, 'run'));
  fs.writeFileSync(path.join(cwd, 'app.js'), `require('http').createServer((req, res) => res.end('app')).listen(process.env.PORT)`);
  const route = (name, more) => ({ path: `/${name.split('.')[0]}`, upstream: [`http://${name}:${port}`], ...more });
  fs.writeFileSync(path.join(cwd, 'fettle.json'), JSON.stringify({
    run: 'app.js',
    name: 'shop',
    resolver: dns.at,
    'slow-start': 'off',
    routes: [
      route('api.test'), route('stays.test'), route('gone.test'), route('cut.test'), route('odd.test'), route('evil.test'),
      route('never.test'),
      { path: '/svc', upstream: ['srv:_http._tcp.svc.test'] },
      { path: '/local', upstream: [`http://localhost:${port}`] },
    ],
  }));
  run = await startFettle({ cwd, target: 'fettle.json', args: ['-w', '1', '--threads', '2'], env: { FETTLE_RUNTIME_DIR: path.join(cwd, 'run') } });
  closers.push(async () => {
    await run.finish();
    fs.rmSync(cwd, { recursive: true, force: true });
  });
});

test('a name leads to each of its addresses, from the first request on', { skip }, async () => {
  const seen = new Set();
  await run.until(async () => {
    const answer = await run.get('/api');
    assert.equal(answer.status, 200);
    return seen.add(answer.json().ip).size === 2;
  });
  assert.deepEqual([...seen].sort(), [A, B]);
  const [row] = await rows('/api');
  assert.equal(row.name, `api.test:${port}`);
  assert.equal(row.state, 'up');
});

test('what DNS says anew holds after the time to live, and no request fails for it', { skip }, async () => {
  const running = load({ port: run.port, path: '/api', clients: 4 });
  dns.zone['api.test'] = addresses(B, C);
  await isUp('/api', B, C);
  const before = all[A].asked;
  await run.until(() => all[C].asked > 0);
  dns.zone['api.test'] = addresses(C);
  await isUp('/api', C);
  dns.zone['api.test'] = addresses(A, C);
  await isUp('/api', A, C);
  await run.until(() => all[A].asked > before);
  const { failures, count } = await running.stop();
  assert.deepEqual(failures, []);
  assert.ok(count > 0);
});

test('a service has ports, weights and priorities', { skip }, async () => {
  const svc = await run.until(async () => {
    const list = await rows('/svc');
    return list.length === 3 && list;
  });
  const of = (ip) => svc.find(({ endpoint }) => endpoint === `${ip}:${port}`);
  assert.deepEqual([of(A).weight, of(B).weight, of(A).priority, of(C).priority], [9, 1, 1, 2]);
  const before = all[C].asked;
  for (let i = 0; i < 20; i++) assert.equal((await run.get('/svc')).status, 200);
  const list = await run.until(async () => {
    const now = await rows('/svc');
    return now.reduce((sum, { requests }) => sum + requests, 0) === 20 && now;
  });
  assert.equal(list.find(({ endpoint }) => endpoint.startsWith(C)).requests, 0);
  assert.ok(all[C].asked >= before);
  dns.zone['_http._tcp.svc.test'] = [{ target: 'c.svc.test', port }];
  await isUp('/svc', C);
  assert.equal((await run.get('/svc')).json().ip, C);
});

test('while DNS fails, the last good answer goes on', { skip }, async () => {
  for (const trouble of ['servfail', 'nxdomain', 'garbage', []]) {
    const failed = (await metric('fettle_upstream_lookup_failures_total', '/stays')) ?? 0;
    dns.zone['stays.test'] = trouble;
    await run.until(async () => (await metric('fettle_upstream_lookup_failures_total', '/stays')) > failed);
    assert.equal((await run.get('/stays')).json().ip, A);
    dns.zone['stays.test'] = addresses(A);
    await run.until(async () => (await metric('fettle_upstream_lookups_stale', '/stays')) === 0);
  }
  dns.zone['gone.test'] = 'silent';
  await run.until(async () => (await metric('fettle_upstream_lookups_stale', '/gone')) === 1);
  assert.equal((await run.get('/gone')).json().ip, B);
  await run.until(() => /gone\.test: .*; its 1 address of before go/.test(run.stderr) || /stays\.test: .*; its 1 address/.test(run.stderr));
});

test('answers that are cut off are asked for over TCP; addresses of nobody are left out', { skip }, async () => {
  assert.equal((await run.get('/cut')).json().ip, C);
  assert.equal((await run.get('/odd')).json().ip, C);
  assert.deepEqual((await rows('/odd')).map(({ endpoint }) => endpoint), [`${C}:${port}`]);
});

test('a name that never was there is said so, and found when it comes', { skip }, async () => {
  assert.equal((await run.get('/never')).status, 503);
  assert.equal((await run.get('/evil')).status, 503);
  await run.until(() => /never\.test: .*it has no endpoints/.test(run.stderr));
  dns.zone['never.test'] = addresses(B);
  await isUp('/never', B);
  assert.equal((await run.get('/never')).json().ip, B);
});

test('a list that changes keeps its hosts until the new names have been looked up', { skip }, async () => {
  const file = path.join(cwd, 'fettle.json');
  const settings = JSON.parse(fs.readFileSync(file, 'utf8'));
  dns.zone['next.test'] = addresses(B);
  settings.routes.find((one) => one.path === '/cut').upstream = [`http://next.test:${port}`];
  const running = load({ port: run.port, path: '/cut', clients: 2 });
  fs.writeFileSync(file, JSON.stringify(settings));
  run.child.kill('SIGHUP');
  await isUp('/cut', B);
  assert.deepEqual((await running.stop()).failures, []);
});
