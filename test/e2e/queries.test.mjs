// What the requests of an app ask of databases: statements of each route, and those that repeat.
import test from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { fixture, nodeOf, startFettle } from './helpers/fettle.mjs';

const ARGS = ['-w', '1', '--n-plus-one-time', '0'];

/** The findings of this kind, once there are `count`. */
export async function findings(app, kind, count) {
  return app.until(async () => {
    const { findings: all } = (await app.admin('/api/findings')).json();
    const found = all.filter((f) => f.kind === kind);
    return found.length >= count && found;
  }, { what: `${count} findings: ${kind}` });
}

for (const major of [22, 24, 26])
  test(`node ${major}: a statement for each row is found, with its place and without its values`, async (t) => {
    const app = await startFettle({ t, target: path.join(fixture('sqlite'), 'app.js'), args: ARGS, node: nodeOf(major) });
    assert.equal((await app.get('/all')).json().length, 20);
    assert.equal((await app.get('/one-by-one/42?x=1')).json()[0], 'user 20');
    assert.equal((await app.get('/literal')).status, 200);
    const [literal, row] = (await findings(app, 'n-plus-one', 2)).sort((a, b) => (a.route < b.route ? -1 : 1));
    assert.equal(row.route, 'GET /one-by-one/:id');
    assert.equal(row.subject, 'select name from users where id = ?');
    assert.equal(row.place.file, path.join(fixture('sqlite'), 'app.js'));
    assert.match(row.place.source, /byId\.get\(id\)/);
    assert.match(row.text, /20 times in one request/);
    assert.match(row.advice, /WHERE id IN .* join users/);
    assert.equal(row.count, 1);
    assert.equal(literal.subject, 'select name from users where name = ?');
    assert.doesNotMatch(JSON.stringify([literal, row]), /secret \d/);
    const { routes } = (await app.admin('/api/routes')).json();
    const one = routes.find((r) => r.route === '/one-by-one/:id');
    assert.equal(one.watched, 1);
    assert.equal(one.queries, 21);
    assert.equal(one.slowest.statement, 'select name from users where id = ?');
    assert.equal(one.slowest.count, 20);
    assert.deepEqual(routes.map((r) => [r.method, r.route, r.named_by, r.requests]).sort(),
      [['GET', '/all', 'path', 1], ['GET', '/literal', 'path', 1], ['GET', '/one-by-one/:id', 'path', 1]]);
    assert.match((await app.admin('/metrics')).text, /^fettle_watched_queries_total\{route="GET \/one-by-one\/:id"\} 21$/m);
    const { statements } = (await app.admin('/api/statements')).json();
    assert.deepEqual(statements.map((s) => s.statement).filter((s) => s.includes('join')), ['select name from orders join users on users.id = orders.user']);
    assert.match(await app.line(/same statement again/), /GET \/(one-by-one|literal)/);
  });

test('a million distinct statements take no memory', { timeout: 120000 }, async (t) => {
  const app = await startFettle({
    t, target: path.join(fixture('sqlite'), 'distinct.js'), node: nodeOf(24), args: [...ARGS, '--watch-requests', '1000000', '--node-args', '--expose-gc'],
  });
  const turn = async () => (await app.get('/')).json();
  for (let i = 0; i < 10; i++) await turn(); // what is bounded is full
  const before = await turn();
  let after;
  for (let i = 0; i < 90; i++) after = await turn();
  assert.ok(after.statements - before.statements >= 900000, JSON.stringify(after));
  assert.ok(after.heap - before.heap < 4e6 && after.rss - before.rss < 24e6, `${JSON.stringify(before)} … ${JSON.stringify(after)}`);
  t.diagnostic(`${after.statements} statements, heap ${((after.heap - before.heap) / 1e6).toFixed(1)} MB more; a new statement costs ${(after.each * 1e6).toFixed(0)} ns`);
  const known = [];
  for (let i = 0; i < 200; i++) known.push((await app.get('/known')).json());
  const middle = (name) => known.map((k) => k[name] * 1e6).sort((a, b) => a - b)[100].toFixed(0);
  t.diagnostic(`one that is known, and does not repeat: ${middle('each')} ns, unwatched ${middle('none')} ns`);
});
