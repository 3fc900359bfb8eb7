// examples/queries: what is found in its apps is what is wrong with them, and nothing else.
import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { startMariadb, startPostgresql, startRedis } from './helpers/databases.mjs';
import { startMongodb } from './helpers/mongodb.mjs';
import { ROOT, nodeOf, startFettle } from './helpers/fettle.mjs';

const FOLDER = path.join(ROOT, 'examples/queries');
const ANSWERS = JSON.parse(fs.readFileSync(path.join(FOLDER, 'answers.json'), 'utf8'));
const ROUNDS = Number(process.env.QUERIES_ROUNDS ?? 6);

/** True and false positives, and what was missed, each as "kind route". */
function judge(found, wanted) {
  const right = found.filter((f) => wanted.has(f));
  return {
    precision: found.length ? right.length / found.length : 1,
    recall: wanted.size ? right.length / wanted.size : 1,
    wrong: found.filter((f) => !wanted.has(f)),
    missed: [...wanted].filter((w) => !found.includes(w)),
  };
}

test('precision and recall of what is found in apps with known answers', { timeout: 120000 }, async (t) => {
  const [pg, mysql, redis, mongodb] = await Promise.all([startPostgresql(t), startMariadb(t), startRedis(t), startMongodb(t)]);
  const app = await startFettle({
    t,
    target: FOLDER,
    node: nodeOf(24),
    args: ['-w', '1', '--n-plus-one-time', '0', '--watch-requests', '100000'],
    env: { PG_URL: pg.url(), MYSQL_URL: mysql.url(), REDIS_URL: redis.url(), MONGODB_URL: mongodb.url },
  });
  // Apps listen, too: the first address that is open is one of theirs.
  const routes = await app.until(async () => (await app.get('/')).json(), { what: 'the list of routes' });
  for (let round = 0; round < ROUNDS; round++)
    for (const route of routes) {
      const answer = await app.get(route);
      assert.equal(answer.status, 200, `${route}: ${answer.text}`);
    }
  // Everything before this one has been told of when it has.
  await app.get('/sqlite-rows/loop?last');
  const wanted = new Map(Object.entries(ANSWERS).flatMap(([kind, list]) =>
    Object.entries(list).map(([route, source]) => [`${kind} GET /${route}`, source])));
  const all = await app.until(async () => {
    const { findings } = (await app.admin('/api/findings')).json();
    const last = findings.find((f) => f.kind === 'n-plus-one' && f.route === 'GET /sqlite-rows/loop');
    return last?.count === ROUNDS + 1 && findings.filter((f) => f.kind === 'n-plus-one' || f.kind === 'sequential-awaits');
  }, { what: 'the last request to be told of' });
  const found = [...new Set(all.map((f) => `${f.kind} ${f.route}`))];
  const { precision, recall, wrong, missed } = judge(found, new Set(wanted.keys()));
  t.diagnostic(`${routes.length} routes, ${wanted.size} answers: precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`);
  for (const f of wrong) t.diagnostic(`wrong: ${f}`);
  for (const f of missed) t.diagnostic(`missed: ${f}`);
  assert.ok(routes.length >= 60 && precision >= 0.95 && recall >= 0.95, `precision ${precision}, recall ${recall}; wrong: ${wrong}; missed: ${missed}`);
  for (const f of all) {
    const source = wanted.get(`${f.kind} ${f.route}`);
    if (source) assert.ok(f.place?.source?.includes(source), `${f.route}: ${JSON.stringify(f.place)} is not the line with "${source}"\n${f.text}`);
    assert.ok(f.advice, f.route);
  }
});
