// Drivers behave under the agent exactly as without it: events, errors, promises, functions' names.
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { startMariadb, startPostgresql, startRedis } from './helpers/databases.mjs';
import { fixture, nodeOf, startFettle, startNode } from './helpers/fettle.mjs';

const target = path.join(fixture('unchanged'), 'drivers.js');

test('pg, mysql2, node:sqlite, ioredis, http and fetch do the same with and without the agent', { timeout: 120000 }, async (t) => {
  const [pg, mysql, redis] = await Promise.all([startPostgresql(t), startMariadb(t), startRedis(t)]);
  const env = { PG_URL: pg.url(), MYSQL_URL: mysql.url(), REDIS_URL: redis.url() };
  for (const major of [22, 24, 26])
    await t.test(`node ${major}`, async (t) => {
      const options = { t, target, env, node: nodeOf(major) };
      const bare = await startNode({ ...options, args: ['--no-warnings'] });
      const watched = await startFettle({ ...options, args: ['-w', '1', '--n-plus-one-time', '0', '--watch-requests', '100000'] });
      const seen = async (app, name) => (await app.get(`/${name}`, { method: 'POST', body: 'x'.repeat(100000) })).text.replace(/x{90000,}/, 'x');
      for (const name of JSON.parse(await seen(bare, '')).at(-1)) {
        const wanted = await seen(bare, name);
        assert.match(wanted, /^\[/, wanted);
        assert.deepEqual((await seen(watched, name)).split('\n'), wanted.split('\n'), name);
      }
    });
});
