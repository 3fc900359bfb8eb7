// `fettle sql explain` on real databases: what it proposes is held against what the databases then do.
//
// PostgreSQL: over a workload of statements, HypoPG tries every index of one or two columns; where one halves
// the cost, fettle must propose one that is as good, and never one that does not halve it. MariaDB and SQLite:
// the proposed indexes are really made, and rows read and plans compared.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { BUILD } from './helpers/fettle.mjs';
import { startMariadb, startPostgresql } from './helpers/databases.mjs';

const sql = (args, { input, env } = {}) => spawnSync(path.join(BUILD, 'fettle'), ['sql', 'explain', ...args], {
  input, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env }, timeout: 120000,
});

function explain(db, statements, ...flags) {
  const { stdout, stderr, status } = sql(['--db', db, '--json', '-', ...flags], { input: statements.join(';\n') });
  assert.equal(stderr, '');
  const { statements: rows } = JSON.parse(stdout);
  assert.equal(rows.length, statements.length);
  assert.equal(status, rows.every((row) => row.error) ? 1 : 0);
  return rows;
}

// ---- PostgreSQL ----

const TABLES = {
  users: ['id', 'email', 'name', 'tenant_id', 'active', 'created_at', 'deleted_at'],
  orders: ['id', 'user_id', 'status', 'total', 'created_at', 'shop_id'],
  items: ['id', 'order_id', 'sku', 'qty', 'price'],
  events: ['id', 'user_id', 'kind', 'at', 'session'],
  posts: ['id', 'author_id', 'slug', 'published', 'score', 'created_at'],
  comments: ['id', 'post_id', 'user_id', 'parent_id', 'created_at'],
  visits: ['id', 'page', 'ip', 'at', 'ms'],
  tags: ['id', 'name', 'color'],
};
const SCHEMA = `
create extension hypopg;
create table users (id int primary key, email text, name text, tenant_id int, active boolean, created_at timestamp, deleted_at timestamp);
create table orders (id int primary key, user_id int, status text, total int, created_at timestamp, shop_id int);
create table items (id int primary key, order_id int, sku text, qty int, price int);
create table events (id int primary key, user_id int, kind text, at timestamp, session text);
create table posts (id int primary key, author_id int, slug text, published boolean, score int, created_at timestamp);
create table comments (id int primary key, post_id int, user_id int, parent_id int, created_at timestamp);
create table visits (id int primary key, page text, ip text, at timestamp, ms int);
create table tags (id int primary key, name text, color text);
insert into users select i, 'u' || i || '@x', 'n' || i % 500, i % 200, i % 40 = 0, timestamp '2026-01-01' + i * interval '1 minute', case when i % 100 = 0 then timestamp '2026-02-01' end from generate_series(1, 20000) i;
insert into orders select i, 1 + (i::bigint * 7919) % 20000, (array['new','paid','sent','done'])[1 + i % 4], (i * 37) % 1000, timestamp '2026-01-01' + i * interval '1 minute', i % 50 from generate_series(1, 40000) i;
insert into items select i, 1 + (i::bigint * 31) % 40000, 's' || i % 2000, i % 10, (i * 13) % 500 from generate_series(1, 60000) i;
insert into events select i, 1 + (i::bigint * 101) % 20000, 'k' || i % 8, timestamp '2026-01-01' + i * interval '10 seconds', 'x' || i % 9000 from generate_series(1, 50000) i;
insert into posts select i, 1 + (i::bigint * 7) % 20000, 'p-' || i, i % 10 > 0, (i * 17) % 300, timestamp '2026-01-01' + i * interval '5 minutes' from generate_series(1, 10000) i;
insert into comments select i, 1 + (i::bigint * 3) % 10000, 1 + (i::bigint * 11) % 20000, case when i % 3 = 0 then i / 2 end, timestamp '2026-01-01' + i * interval '2 minutes' from generate_series(1, 30000) i;
insert into visits select i, '/p' || i % 300, '10.0.' || i % 250 || '.' || i % 200, timestamp '2026-01-01' + i * interval '3 seconds', (i * 7) % 900 from generate_series(1, 40000) i;
insert into tags select i, 't' || i, 'c' || i % 5 from generate_series(1, 80) i;
create index events_kind on events (kind);
create index comments_post on comments (post_id);
analyze;
create function best(statement text, tables text[], columns text[]) returns float language plpgsql as $$
declare j json; best float; one float; a text; b text; t int; h oid;
begin
  execute 'explain (format json) ' || statement into j;
  best := (j->0->'Plan'->>'Total Cost')::float;
  for t in 1 .. array_length(tables, 1) loop
    for a, b in select x, y from unnest(string_to_array(columns[t], ',')) x, unnest(string_to_array(columns[t], ',')) y loop
      select indexrelid into h from hypopg_create_index(format('create index on %I (%s)', tables[t], case when a = b then a else a || ', ' || b end));
      execute 'explain (format json) ' || statement into j;
      one := (j->0->'Plan'->>'Total Cost')::float;
      if one < best then best := one; end if;
      perform hypopg_drop_index(h);
    end loop;
  end loop;
  return best;
end $$;
create function cost_with(statement text, indexes text[]) returns float language plpgsql as $$
declare j json; i text;
begin
  foreach i in array indexes loop perform hypopg_create_index(replace(i, 'CONCURRENTLY ', '')); end loop;
  execute 'explain (format json) ' || statement into j;
  perform hypopg_reset();
  return (j->0->'Plan'->>'Total Cost')::float;
end $$;`;

// Sixty statements as apps issue them.
const WORKLOAD = [
  ...[17, 18].map((n) => `select * from orders where user_id = ${n}`),
  ...['u7@x', 'nobody'].map((email) => `select id from users where email = '${email}'`),
  ...['new', 'sent'].map((s) => `select count(*) from orders where status = '${s}'`),
  ...[5, 9].map((n) => `select * from orders where shop_id = ${n} and status = 'paid' order by created_at desc limit 10`),
  "select * from orders where created_at > '2026-01-28' and shop_id = 3",
  "select * from orders where created_at between '2026-01-05' and '2026-01-06'",
  'select * from orders order by created_at desc limit 20',
  'select * from orders order by total, id limit 5',
  'select * from orders where user_id in (3, 4, 5) order by created_at',
  'select * from orders where total > 998',
  'select * from orders where total = 5 and shop_id = 7',
  'select max(created_at) from orders where user_id = 77',
  'select sum(total) from orders where shop_id = 12',
  'select status, count(*) from orders group by status',
  'update orders set total = 0 where user_id = 12',
  "delete from orders where created_at < '2026-01-01 02:00'",
  'select * from users where tenant_id = 12 and deleted_at is null',
  'select * from users where tenant_id = 12 and active',
  'select * from users where active and deleted_at is null order by created_at desc limit 10',
  'select * from users where deleted_at is not null',
  "select * from users where lower(email) = 'u9@x'",
  "select * from users where name = 'n12' and tenant_id = 112",
  'select count(*) from users',
  'select * from users where id = 5',
  'select u.name, o.total from users u join orders o on o.user_id = u.id where u.id = 9',
  "select u.name, o.total from users u join orders o on o.user_id = u.id where u.email = 'u12@x'",
  "select o.* from orders o join users u on u.id = o.user_id where u.tenant_id = 7 and o.status = 'new'",
  'select o.id, i.sku from orders o join items i on i.order_id = o.id where o.id = 100',
  'select o.id, i.sku from orders o join items i on i.order_id = o.id where o.user_id = 100',
  "select i.* from items i where i.sku = 's17' and i.qty > 5",
  "select o.* from orders o where exists (select 1 from items i where i.order_id = o.id and i.sku = 's5')",
  'select u.* from users u left join orders o on o.user_id = u.id where u.id = 55 and o.id is null',
  'select * from items where order_id in (select id from orders where user_id = 8)',
  'select sku, sum(qty) from items group by sku order by 2 desc limit 10',
  'select * from items where price between 10 and 11 and qty = 3',
  "select * from items where sku = 's9' order by price desc limit 3",
  "select * from events where kind = 'k3' and user_id = 5",
  "select * from events where session = 'x17' order by at",
  "select * from events where user_id = 9 and at > '2026-01-03' order by at desc limit 5",
  "select count(*) from events where at > '2026-01-06 18:00'",
  "select kind, count(*) from events where user_id = 4 group by kind",
  "select e.* from events e join users u on u.id = e.user_id where u.email = 'u3@x'",
  "select distinct session from events where user_id = 3",
  "select * from posts where slug = 'p-77'",
  'select * from posts where published and score > 298 order by created_at desc limit 10',
  'select * from posts where author_id = 15 and not published',
  'select p.slug, count(c.id) from posts p left join comments c on c.post_id = p.id where p.author_id = 15 group by p.slug',
  'select * from posts order by score desc, created_at desc limit 10',
  'select * from comments where post_id = 7 order by created_at',
  'select * from comments where parent_id = 77',
  'select * from comments where user_id = 5 and parent_id is null',
  'select c.* from comments c join posts p on p.id = c.post_id where p.slug = \'p-5\' order by c.created_at',
  "select * from visits where ip = '10.0.7.57'",
  "select avg(ms) from visits where page = '/p7'",
  "select * from visits where page = '/p7' and at > '2026-01-02' order by at desc limit 50",
  'select * from visits where ms > 895',
  "select * from tags where name = 't5'",
  "select * from tags where color = 'c1' order by name",
];

const named = (statement) => Object.keys(TABLES).filter((t) => new RegExp(`\\b${t}\\b`).test(statement));
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const array = (list) => `array[${list.map(quoted).join(', ')}]::text[]`;

let pg;
before(async () => {
  pg = await startPostgresql();
  await pg.sql('create database shop; create database bare');
  await pg.sql(SCHEMA, 'shop');
  await pg.sql('create table t (id int primary key, a int, b int); insert into t select i, i, i % 3 from generate_series(1, 20000) i; analyze', 'bare');
});
after(() => pg?.stop());

test('PostgreSQL: the advice is as good as the best index that HypoPG finds, and never makes nothing faster', async () => {
  assert.ok(WORKLOAD.length >= 60);
  const advice = explain(pg.url('shop'), WORKLOAD);
  const rows = await pg.sql(WORKLOAD.map((statement, i) => {
    const tables = named(statement);
    return `select cost_with(${quoted(statement)}, array[]::text[]), best(${quoted(statement)}, ${array(tables)}, ${array(tables.map((t) => TABLES[t].join(',')))}), cost_with(${quoted(statement)}, ${array(advice[i].indexes.map((x) => x.statement))});`;
  }).join('\n'), 'shop');
  let could = 0;
  let agree = 0;
  const worse = [];
  rows.split('\n').forEach((row, i) => {
    const [cost, best, proposed] = row.split('|').map(Number);
    const what = `${WORKLOAD[i]}: cost ${cost}, best ${best}, with ${JSON.stringify(advice[i].indexes.map((x) => x.statement))} ${proposed}`;
    assert.equal(advice[i].error, undefined, what);
    assert.ok(Math.abs(advice[i].cost - cost) < 0.01 * cost + 0.01, what);
    if (advice[i].indexes.length) {
      assert.ok(proposed <= cost / 2, `makes nothing faster: ${what}`);
      assert.equal(advice[i].indexes[0].checked, 'hypopg');
    }
    if (best > cost / 2 || cost < 25) return;
    could++;
    if (proposed <= best * 1.1 + 0.01) agree++;
    else worse.push(what);
  });
  assert.ok(could >= 35, `${could} of the statements could be faster`);
  assert.ok(agree >= could * 0.9, `${agree} of ${could}:\n${worse.join('\n')}`);
});

test('PostgreSQL: statements without values get a generic plan, and composites are in the right order', () => {
  const of = (statement, ...flags) => explain(pg.url('shop'), [statement], ...flags)[0];
  const columns = (statement) => of(statement).indexes.map((x) => `${x.table}(${x.columns})`);
  assert.deepEqual(columns('select * from orders where created_at > $1 and user_id = $2'), ['orders(user_id,created_at)']);
  assert.deepEqual(columns('select * from orders where shop_id = $1 order by created_at desc limit $2'), ['orders(shop_id,created_at)']);
  assert.deepEqual(columns('select * from users where email = ?'), ['users(email)']);
  assert.deepEqual(columns('select * from users where id = $1'), []);
  assert.deepEqual(columns('select * from tags where name = $1'), []); // a small table
  assert.deepEqual(columns('select * from comments where post_id = $1'), []); // has one
  const row = of('select * from orders where user_id = $1');
  assert.match(row.slow[0].what, /^reads all 40,000 rows of orders, for \d+ that are wanted$/);
  assert.equal(row.plan[0].step, 'Seq Scan');
  assert.match(of('select * from nosuch').error, /^PostgreSQL says: relation "nosuch" does not exist/);
  assert.match(of('select * form orders').error, /^PostgreSQL says: syntax error/);
  assert.match(of('create table x (a int)').error, /^has no plan/);
});

test('PostgreSQL without HypoPG: an estimate, a trial that is rolled back, or the extension when it is allowed', async () => {
  const one = ['select * from t where a = $1', 'select * from t where b = $1'];
  const checked = (...flags) => explain(pg.url('bare'), one, ...flags).map((row) => row.indexes.map((x) => [x.columns, x.checked])).flat();
  assert.deepEqual(checked(), [[['a'], 'estimate']]);
  assert.deepEqual(checked('--try'), [[['a'], 'transaction']]);
  assert.equal(await pg.sql('select count(*) from pg_indexes where tablename = \'t\'', 'bare'), '1');
  assert.equal(await pg.sql('select count(*) from pg_extension where extname = \'hypopg\'', 'bare'), '0');
  assert.deepEqual(checked('--allow-extension'), [[['a'], 'hypopg']]);
  assert.equal(await pg.sql('select count(*) from pg_extension where extname = \'hypopg\'', 'bare'), '1');
});

// ---- MariaDB ----

test('MariaDB: with the proposed indexes really made, it reads less than half of the rows', async (t) => {
  const db = await startMariadb(t);
  await db.sql(`
create table users (id int primary key auto_increment, email varchar(100), tenant_id int, active int);
create table Orders (id int primary key auto_increment, user_id int, status varchar(20), total int, created_at datetime);
insert into users select seq, concat('u', seq, '@x'), seq % 200, seq % 2 from seq_1_to_5000;
insert into Orders select seq, 1 + (seq * 7919) % 5000, concat('s', seq % 4), seq % 1000, '2026-01-01' + interval seq minute from seq_1_to_20000;
analyze table users, Orders;`);
  const statements = [
    ["select * from Orders where user_id = 17 order by created_at desc limit 20", ['Orders(user_id']],
    ["select u.id, o.total from users u join Orders o on o.user_id = u.id where u.email = 'u9@x'", ['Orders(user_id', 'users(email']],
    ["select * from Orders where total = 5 and created_at > '2026-01-10'", ['Orders(total,created_at']],
    ['select * from Orders order by created_at desc limit 10', ['Orders(created_at']],
    ["select * from Orders where status = 's1'", []],
    ['select * from users where active = 1', []],
    ['select * from users where id = 5', []],
  ];
  const advice = explain(db.url(), statements.map(([s]) => s));
  const reads = async (statement) => {
    const rows = await db.sql(`flush status; ${statement}; show session status like 'Handler_read%'`);
    return rows.split('\n').filter((r) => r.startsWith('Handler_read')).reduce((sum, r) => sum + Number(r.split('\t')[1]), 0);
  };
  for (const [i, [statement, want]] of statements.entries()) {
    assert.equal(advice[i].error, undefined);
    const got = advice[i].indexes.map((x) => `${x.table}(${x.columns})`).sort();
    assert.equal(got.length, want.length, `${statement}: ${got}`);
    want.forEach((w, k) => assert.ok(got[k].startsWith(w), `${statement}: ${got}`));
    if (!got.length) continue;
    const before = await reads(statement);
    for (const index of advice[i].indexes) await db.sql(index.statement);
    const after = await reads(statement);
    assert.ok(after <= before / 2, `${statement}: ${before} rows read, then ${after}`);
    for (const index of advice[i].indexes) await db.sql(`drop index ${index.statement.match(/CREATE INDEX (\S+)/)[1]} on ${index.table}`);
  }
  const row = explain(db.url(), ['update Orders set total = ? where user_id = ?', 'select * from nosuch']);
  assert.deepEqual(row[0].indexes[0].columns, ['user_id']);
  assert.ok(!JSON.stringify(row[0].plan).includes("'"), `values of the table are shown: ${JSON.stringify(row[0].plan)}`);
  assert.equal(row[1].error, "the server says: Table 'test.nosuch' doesn't exist");
  const refused = sql(['--db', db.url('test', 'app:wrong'), 'select 1']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /Access denied for user 'app'/);
  assert.ok(!refused.stderr.includes('wrong'));
});

// ---- SQLite ----

test('SQLite: with the proposed indexes really made, the plan uses them', async (t) => {
  const { DatabaseSync } = await import('node:sqlite');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fettle-sql-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'shop.db');
  const db = new DatabaseSync(file);
  db.exec(`
create table users (id integer primary key, email text, tenant_id int);
create table orders (id integer primary key, user_id int, status text, total int, created_at text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into users select i, 'u' || i, i % 100 from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into orders select i, 1 + (i * 7919) % 500, 's' || i % 3, i % 1000, i from n;`);
  const before = readFileSync(file);
  const statements = [
    ['select * from orders where user_id = ? order by created_at desc limit 20', ['orders(user_id,created_at)']],
    ['select o.total from users u join orders o on o.user_id = u.id where u.email = ?', ['orders(user_id)', 'users(email)']],
    ['select * from orders where total between ? and ? and user_id = :user', ['orders(user_id,total)']],
    ['select * from users where id in (select user_id from orders where total = ? and status = ?)', ['orders(total)']],
    ['select * from orders where status = ?', []],
    ['select * from users where id = ?', []],
    ['select * from orders o where o.total + 1 = ?', []],
  ];
  const advice = explain(`sqlite:${file}`, statements.map(([s]) => s));
  assert.deepEqual(readFileSync(file), before);
  assert.ok(!existsSync(`${file}-journal`));
  for (const [i, [statement, want]] of statements.entries()) {
    assert.deepEqual(advice[i].indexes.map((x) => `${x.table}(${x.columns})`).sort(), want, statement);
    for (const index of advice[i].indexes) db.exec(index.statement);
    db.exec('analyze');
    const plan = db.prepare(`explain query plan ${statement}`).all().map((r) => r.detail).join('\n');
    for (const index of advice[i].indexes) {
      const name = index.statement.match(/CREATE INDEX (\S+)/)[1];
      assert.match(plan, new RegExp(name), statement);
      db.exec(`drop index ${name}`);
    }
  }
  db.close();
  writeFileSync(path.join(folder, 'not.db'), 'this is no database, whatever its name says'.repeat(50));
  assert.match(sql(['--db', `sqlite:${path.join(folder, 'not.db')}`, 'select 1']).stderr, /not\.db cannot be opened: file is not a database/);
  assert.match(sql(['--db', path.join(folder, 'none.db'), 'select 1']).stderr, /none\.db cannot be opened: unable to open database file/);
});

test('mistakes are told', () => {
  const says = (args, status, text, more) => {
    const got = sql(args, more);
    assert.match(got.stderr, text);
    assert.equal(got.status, status);
    assert.equal(got.stdout, '');
  };
  says(['select 1'], 2, /needs a database: --db postgresql:\/\//);
  says(['--db', 'oracle://x/y', 'select 1'], 2, /"oracle:" is no URL of a database that fettle knows/);
  says(['--db', 'postgresql://postgres@127.0.0.1:1/x', 'select 1'], 1, /Connection refused/);
  says(['--db', 'mysql://a:b@127.0.0.1:1/x', 'select 1'], 1, /Can't connect to server/);
  says(['--db', 'mysql://a:%zz@h/x', 'select 1'], 1, /the password in the database's URL is not well-formed/);
  says(['--db', pg.url('nosuch'), 'select 1'], 1, /database "nosuch" does not exist/);
  says(['--db', pg.url(), './nosuch.sql'], 3, /nosuch\.sql: No such file/);
  says(['--db', pg.url(), '-'], 2, /no statement to explain/, { input: ' ; -- nothing\n' });
  const { stdout, status } = sql(['select 1 as one'], { env: { DATABASE_URL: pg.url() } });
  assert.equal(status, 0);
  assert.match(stdout, /^select 1 as one\n/);
});

test('foreign keys without an index are told of, unless an index is proposed that serves them', async (t) => {
  const pg = await startPostgresql(t);
  const tables = `create table users (id int primary key, name text);
    create table orders (id int primary key, user_id int references users, shop_id int references users, name text);
    insert into users select i, 'n' || i from generate_series(1, 3000) i; insert into orders select i, i, i, 'o' || i from generate_series(1, 3000) i; analyze`;
  await pg.sql(`create extension hypopg; ${tables}; create index on orders (shop_id)`);
  const [named, byUser] = explain(pg.url(), ['select * from orders where name = $1', 'select * from orders where user_id = $1']);
  assert.deepEqual(named.foreign_keys, [{ table: 'orders', columns: ['user_id'], references: 'users', statement: 'CREATE INDEX CONCURRENTLY orders_user_id_idx ON public.orders (user_id)' }]);
  assert.equal(byUser.indexes.length, 1);
  assert.deepEqual(byUser.foreign_keys, []);
  const text = sql(['--db', pg.url(), 'select * from orders where name = $1']).stdout;
  assert.match(text, /orders refers to users by user_id, without an index: deleting a row of users reads all of orders\n +CREATE INDEX CONCURRENTLY orders_user_id_idx/);
});
