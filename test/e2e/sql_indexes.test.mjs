// `fettle sql indexes` on real databases: what is there for nothing, and nothing else.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { startMariadb, startPostgresql } from './helpers/databases.mjs';
import { BUILD, nodeOf } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';

const sql = (...args) => new Promise((done) => {
  execFile(path.join(BUILD, 'fettle'), ['sql', 'indexes', ...args], { env: { PATH: process.env.PATH, HOME: '/nonexistent' } },
    (error, stdout, stderr) => done({ status: error?.code ?? 0, stdout, stderr }));
});
async function report(db) {
  const { status, stdout, stderr } = await sql('--db', db, '--json');
  assert.deepEqual([status, stderr], [0, '']);
  const { indexes, ...more } = JSON.parse(stdout);
  return { ...more, told: Object.fromEntries(indexes.map((x) => [x.name, x.fault + (x.other ? ` ${x.other}` : '')])), indexes };
}

test('PostgreSQL: duplicates, beginnings, unused and unfinished ones', async (t) => {
  const pg = await startPostgresql(t);
  await pg.sql(`create table users (id int primary key, email text unique, name text);
    create table orders (id int primary key, user_id int references users, status text, at timestamp, total int, exclude using btree (total with =));
    insert into orders select i, null, 's' || i, now(), i from generate_series(1, 2000) i;
    create index begins on orders (status); create index longer on orders (status, at desc); create index other_way on orders (status desc, id);
    create index part on orders (status) where total > 5; create index pattern on orders (status text_pattern_ops);
    create index as_key on orders (id); create index with_more on orders (at) include (total);
    create index by_user on orders (user_id); create unique index only_one on orders (lower(status));
    create table parts (id int, at int) partition by range (id); create table parts_1 partition of parts for values from (0) to (10); create index on parts (at);
    update pg_index set indisvalid = false where indexrelid = 'other_way'::regclass; analyze`);
  const used = ['begins', 'pattern', 'with_more'];
  await pg.sql(`set enable_seqscan = off; set enable_bitmapscan = off; select * from orders where at = '2000-01-01'; create index without on orders (at);
    select id from orders where status = 'x'; select id from orders where status like 'x%'; create index hashed on orders using hash (status)`);
  let got = await report(pg.url());
  await poll(async () => {
    got = await report(pg.url());
    return !got.told.with_more && !got.told.pattern; // reads are counted when a session ends, or a little later
  });
  assert.deepEqual(got.told, {
    begins: 'prefix longer', part: 'unused', hashed: 'unused', as_key: 'duplicate orders_pkey', without: 'duplicate with_more', other_way: 'invalid',
  });
  assert.ok(used.every((name) => got.told[name] !== 'unused'));
  assert.equal(got.usage_known, true);
  assert.match(got.counted_since, /^20\d\d-\d\d-\d\d$/);
  const begins = got.indexes.find((x) => x.name === 'begins');
  assert.deepEqual([begins.schema, begins.table, begins.columns, begins.statement], ['public', 'orders', ['status'], 'DROP INDEX CONCURRENTLY public.begins']);
  assert.ok(begins.bytes > 0);
  for (const { statement } of got.indexes) await pg.sql(statement);
  assert.deepEqual((await report(pg.url())).told, {}, 'once they have gone, nothing is left to be told');
  const { stdout } = await sql('--db', pg.url());
  assert.match(stdout, /^0 of \d+ indexes are there for nothing\. Reads are counted since 20/);
});

test('MariaDB: whether an index is read is known where the server counts', async (t) => {
  const mariadb = await startMariadb(t, { settings: ['--performance-schema=ON'] });
  await mariadb.sql(`create table users (id int primary key, email varchar(100) unique);
    create table orders (id int primary key, user_id int, status varchar(20), at datetime, foreign key (user_id) references users (id));
    create index begins on orders (status); create index longer on orders (status, at); create index cut on orders (at, status(5)); create index as_key on orders (id);
    insert into orders values (1, null, 'a', now(), now()); `.replace('now(), now()', 'now()'));
  await mariadb.sql("select * from orders force index (begins) where status = 'a'");
  const got = await report(mariadb.url());
  assert.deepEqual(got.told, { begins: 'prefix longer', cut: 'unused', as_key: 'duplicate PRIMARY' });
  assert.match(got.counted_since, /^20\d\d-\d\d-\d\d$/);
  assert.equal(got.indexes.find((x) => x.name === 'cut').statement, 'DROP INDEX cut ON orders');
  await mariadb.sql("update performance_schema.setup_instruments set enabled = 'NO' where name = 'wait/io/table/sql/handler'");
  const unknown = await report(mariadb.url());
  assert.deepEqual([unknown.usage_known, unknown.counted_since, unknown.told.cut, unknown.told.as_key], [false, null, undefined, 'duplicate PRIMARY']);
  assert.match((await sql('--db', mariadb.url())).stdout, /Whether an index is read is not known: performance_schema \(or MariaDB's userstat\) is off/);
});

test('SQLite: duplicates and beginnings', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fettle-indexes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'a.db');
  await new Promise((done, failed) => execFile(nodeOf(24), ['-e', `
    new (require('node:sqlite').DatabaseSync)(process.argv[1]).exec(\`create table t (id integer primary key, a int unique, b text, c text);
      create index begins on t (b); create index longer on t (b, c); create index as_unique on t (a); create index nocase on t (b collate nocase);
      create index part on t (c) where b > 3; create index down on t (c desc); create index by_lower on t (lower(b)); create index one on t (c); create index two on t (c)\`)`, file],
    (error) => (error ? failed(error) : done())));
  const got = await report(`sqlite:${file}`);
  assert.deepEqual(got.told, { begins: 'prefix longer', as_unique: 'duplicate sqlite_autoindex_t_1', two: 'duplicate one' });
  assert.deepEqual([got.usage_known, got.looked_at], [false, 10]);
  const { status, stderr } = await sql('file.db', '--db', `sqlite:${file}`);
  assert.deepEqual([status, /takes no word/.test(stderr)], [2, true]);
  assert.equal((await sql()).status, 2);
});
