// Drivers, and the frameworks in front of them, behave under the agent exactly as without it: events, errors with
// their properties and the app's own frames, promises, contexts, functions' names.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { startMariadb, startPostgresql, startRedis } from './helpers/databases.mjs';
import { fixture, nodeOf, request, startFettle, startNode } from './helpers/fettle.mjs';

const WATCHED = ['-w', '1', '--n-plus-one-time', '0', '--slow-statement', '1ms', '--watch-requests', '100000'];
const serve = createRequire(import.meta.url)('./fixtures/unchanged/upstream.js');
const target = path.join(fixture('unchanged'), 'drivers.js');

test('pg, mysql2, node:sqlite, ioredis, redis, http and fetch do the same with and without the agent', { timeout: 240000 }, async (t) => {
  const [pg, mysql, redis] = await Promise.all([startPostgresql(t), startMariadb(t, { settings: ['--local-infile=1'] }), startRedis(t)]);
  const other = await serve();
  t.after(() => {
    other.closeAllConnections();
    other.close();
  });
  const env = { PG_URL: pg.url(), MYSQL_URL: mysql.url(), REDIS_URL: redis.url(), OTHER_PORT: other.address().port };
  for (const major of [22, 24, 26])
    await t.test(`node ${major}`, async (t) => {
      const options = { t, target, env, node: nodeOf(major) };
      const bare = await startNode({ ...options, args: ['--no-warnings'] });
      const watched = await startFettle({ ...options, args: WATCHED });
      const seen = async (app, name) => (await app.get(`/${encodeURIComponent(name)}`, { method: 'POST', body: 'x'.repeat(100000) })).text.replace(/x{90000,}/, 'x');
      for (const name of JSON.parse(await seen(bare, '')).at(-1)) {
        const wanted = await seen(bare, name);
        assert.match(wanted, /^\[/, wanted);
        assert.deepEqual((await seen(watched, name)).split('\n'), wanted.split('\n'), name);
      }
      const { statements } = (await watched.admin('/api/statements')).json();
      assert.ok(statements.some((s) => s.route === 'POST /pg%20forms' || s.route.startsWith('POST /')), 'they were watched');
    });
});

/** What a client sees, but for what differs between two runs or belongs to the connection. */
async function answer(app, [method, target, body, headers]) {
  const { status, headers: all, text } = await request({ port: app.port, method, path: target, body, headers });
  const told = Object.entries(all).filter(([name]) => !['date', 'connection', 'keep-alive', 'transfer-encoding', 'via'].includes(name));
  return [status, Object.fromEntries(told), text];
}

const JSON_TYPE = { 'content-type': 'application/json' };
const REQUESTS = [
  ['GET', '/rows/7?a=1&a=2&b[c]=3'], ['HEAD', '/rows/7'], ['GET', '/rows/x'], ['GET', '/callback/5'], ['GET', '/callback/nothing'], ['GET', '/fails'], ['GET', '/throws'], ['GET', '/stream'],
  ['POST', '/body', '{"a": 1}', JSON_TYPE], ['POST', '/body', '{"a": ', JSON_TYPE], ['POST', '/body', '{"a": "x"}', JSON_TYPE], ['POST', '/body', `{"a": 1, "b": "${'x'.repeat(3000)}"}`, JSON_TYPE], ['POST', '/body', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['GET', '/moved'], ['GET', '/late'], ['GET', '/users/5/items/9'], ['PUT', '/users/5/items/9'], ['OPTIONS', '/rows/1'], ['DELETE', '/rows/1'], ['GET', '/nothing'], ['GET', '/rows/%zz'], ['GET', '/users/%20/items/a%2Fb'],
];

test('Express and Fastify answer the same with and without the agent', { timeout: 120000 }, async (t) => {
  const [pg, mysql] = await Promise.all([startPostgresql(t), startMariadb(t)]);
  for (const FRAMEWORK of ['express', 'express4', 'fastify'])
    await t.test(FRAMEWORK, async (t) => {
      const options = { t, target: path.join(fixture('unchanged'), 'frameworks.js'), node: nodeOf(24), env: { FRAMEWORK, PG_URL: pg.url(), MYSQL_URL: mysql.url() } };
      const [bare, watched] = await Promise.all([startNode(options), startFettle({ ...options, args: WATCHED })]);
      for (const wanted of REQUESTS)
        assert.deepEqual(await answer(watched, wanted), await answer(bare, wanted), wanted.slice(0, 2).join(' '));
      await watched.until(async () => {
        const { statements } = (await watched.admin('/api/statements')).json();
        return statements.some((s) => s.route === 'GET /users/:user/items/:item' || s.route.startsWith('GET /rows'));
      }, { what: 'statements of its routes' });
    });
});
