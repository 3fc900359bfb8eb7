// Statements that take long: which are found, with line and times; what lists them, and explains one.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startMariadb, startPostgresql } from './helpers/databases.mjs';
import { BUILD, fixture, nodeOf, startFettle } from './helpers/fettle.mjs';

const app = (t, name, { args = [], env, node = 24 }) => startFettle({
  t, target: path.join(fixture('slow'), name), args: ['-w', '1', '--watch-requests', '100000', ...args], env, node: nodeOf(node),
});
const folder = (t) => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'fettle-slow-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};
const found = async (running) => (await running.admin('/api/findings')).json().findings.filter((f) => f.kind === 'slow-statement');
const statements = async (running) => (await running.admin('/api/statements')).json().statements;

/** A command, in the folder of one fettle. */
const command = (dir, ...args) => {
  const { stdout, stderr, status } = spawnSync(path.join(BUILD, 'fettle'), args, {
    encoding: 'utf8', timeout: 60000, env: { PATH: process.env.PATH, HOME: dir, FETTLE_RUNTIME_DIR: dir },
  });
  return { stdout, stderr, status };
};

for (const major of [22, 24, 26])
  test(`node ${major}: a statement that is slow again and again is found, with its line, its times and what to type`, async (t) => {
    const dir = folder(t);
    const db = path.join(dir, 'shop.db');
    const running = await app(t, 'sqlite.js', {
      args: ['--slow-statement', '50ms', '--name', 'shop'], node: major, env: { DB: db, FETTLE_RUNTIME_DIR: dir },
    });
    for (let i = 0; i < 5; i++) {
      assert.equal((await running.get('/report?x=1')).json().length, 1);
      for (const other of ['/quick', '/sleep', '/fails']) await running.get(other);
    }
    const [report] = await running.until(async () => {
      const all = await found(running);
      return all.length > 0 && all;
    }, { what: 'a finding' });
    assert.equal(report.route, 'GET /report');
    assert.equal(report.subject, 'select work(id) from orders where id = ? and customer <> ?');
    assert.equal(report.place.file, path.join(fixture('slow'), 'sqlite.js'));
    assert.match(report.place.source, /slow\.all\('secret customer'\)/);
    assert.match(report.text, /^p50 \d+\.\d ms, p99 \d+\.\d ms, at the longest \d+\.\d ms; 5 times, \d+\.\d ms in all, \d+ % of its requests' time; 1 row each\n/);
    // Those that were told of when there were too few are not in its count.
    assert.ok(report.worst_ms >= 50 && report.total_ms >= 50 * report.count && report.count >= 1, JSON.stringify(report));
    assert.match(await running.line(/a statement that takes long/), /GET \/report.*sqlite\.js:\d+.*slow-statement/);

    const all = await running.until(async () => {
      const list = await statements(running);
      return list.find((s) => s.route === 'GET /report')?.count === 5 && list.find((s) => s.route === 'GET /fails')?.errors === 5 && list;
    }, { what: 'all sums' });
    const slow = all.find((s) => s.route === 'GET /report');
    assert.equal(slow.rows, 5);
    assert.ok(slow.p50_ms >= 40 && slow.p99_ms <= slow.max_ms && slow.requests_ms >= slow.total_ms, JSON.stringify(slow));
    assert.equal(slow.times.reduce((sum, [, n]) => sum + n, 0), 5);
    assert.equal((await found(running)).length, 1, 'what sleeps, fails or is quick is none');

    const typed = report.advice.match(/fettle (sql explain --db sqlite:)FILE (shop [0-9a-f]{8}) says/);
    assert.ok(typed, report.advice);
    const [id] = typed[2].split(' ').slice(1);
    assert.ok(slow.id.startsWith(id));
    const explained = command(dir, ...`${typed[1]}${db} ${typed[2]}`.split(' '));
    assert.match(explained.stdout + explained.stderr, /select work\(id\) from orders where id = \? and customer <> \?/);
    assert.match(explained.stdout, /5 times, .* in all/);
    assert.equal(command(dir, 'sql', 'explain', '--db', `sqlite:${db}`, 'shop', 'abcdef01').status, 3);

    const listed = command(dir, 'sql', 'statements', 'shop');
    assert.equal(listed.stderr, '');
    const [title, first] = listed.stdout.split('\n');
    assert.match(title, /^id +app +count +in all +mean +p99 +of request +rows +errors +route +statement/);
    assert.match(first, /^[0-9a-f]{8} +shop +\d+ .*select (work|sleep)\(id\) from orders/);
    const json = JSON.parse(command(dir, 'sql', 'statements', '--json', '--top', 'all').stdout).statements;
    const both = json.find((s) => s.id === slow.id);
    assert.deepEqual(both.routes.sort(), ['GET /fails', 'GET /report']);
    assert.equal(both.count, 5);
    assert.equal(both.errors, 5);
    assert.ok(Math.abs(both.p99_ms - slow.p99_ms) < 2, `${both.p99_ms} ${slow.p99_ms}`);
    assert.doesNotMatch(listed.stdout + JSON.stringify([json, all, report.subject, report.text]), /secret customer/);
  });

test('a quick statement that waits behind a slow one on its connection is not blamed', async (t) => {
  const [pg, mysql] = await Promise.all([startPostgresql(t), startMariadb(t)]);
  await pg.sql(`create table orders (id int primary key); insert into orders select generate_series(1, 10);
    create function slowly(n int) returns int language plpgsql as $$ begin perform pg_sleep(0.12); return n; end $$`);
  await mysql.sql(`create table orders (id int primary key); insert into orders values (1), (2);
    create function slowly(n int) returns int not deterministic no sql return n + 0 * sleep(0.12)`);
  const running = await app(t, 'drivers.js', { args: ['--slow-statement', '100ms'], env: { PG_URL: pg.url(), MYSQL_URL: mysql.url() } });
  const routes = ['/pool', '/client', '/mariadb', '/connection'];
  for (let i = 0; i < 6; i++) for (const route of routes) assert.equal((await running.get(route)).text, 'done');
  const all = await running.until(async () => {
    const list = await found(running);
    return list.length >= 4 && list;
  }, { what: 'four findings' });
  assert.deepEqual(all.map((f) => f.route).sort(), routes.map((route) => `GET ${route}`).sort());
  for (const f of all) assert.match(f.subject, /^select slowly\(id\)/);
  for (const f of all) assert.match(f.place.source, /slowly\(id\)/);
  for (const f of all) assert.match(f.advice, /fettle sql explain --db (postgresql|mysql):\/\/… [\w-]+ [0-9a-f]{8} says/);
  for (const s of await statements(running)) assert.equal(s.rows, s.count, JSON.stringify(s));
});

test('slow-statement off: none is found', async (t) => {
  const dir = folder(t);
  const running = await app(t, 'sqlite.js', { args: ['--slow-statement', 'off'], env: { DB: path.join(dir, 'shop.db') } });
  for (let i = 0; i < 5; i++) await running.get('/report');
  await running.until(async () => (await statements(running)).find((s) => s.route === 'GET /report')?.count === 5, { what: 'its sums' });
  assert.deepEqual(await found(running), []);
});
