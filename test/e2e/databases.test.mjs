// The databases that tests start for themselves: they are real, apart from each other, and gone afterwards.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { startMariadb, startPostgresql, startRedis } from './helpers/databases.mjs';
import { raw } from './helpers/net.mjs';

const isGone = (pid) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

test('PostgreSQL, MariaDB and Redis start, answer and leave nothing', async (t) => {
  const all = await Promise.all([startPostgresql(t), startMariadb(t), startRedis(t)]);
  const [postgresql, mariadb, redis] = all;
  await postgresql.sql('create database shop');
  assert.equal(await postgresql.sql('create extension hypopg; select 1, 2', 'shop'), '1|2');
  assert.equal(await mariadb.sql('create table a (b int); insert into a values (1), (2); select count(*), 3 from a'), '2\t3');
  assert.match((await raw(redis.port, 'PING\r\n', { until: (text) => text.includes('\r\n') })).text, /PONG/);
  await Promise.all(all.map((db) => db.stop()));
  for (const db of all) {
    assert.ok(isGone(db.pid));
    assert.ok(!existsSync(db.folder));
  }
});
