// What the requests of an app ask of databases: statements of each route, and those that repeat.
import test from 'node:test';
import { promisify } from 'node:util';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BUILD, MAJORS, fixture, nodeOf, sleep, startFettle } from './helpers/fettle.mjs';

const ARGS = ['-w', '1', '--n-plus-one-time', '0'];

/** The findings of this kind, once there are `count`. */
export async function findings(app, kind, count) {
  return app.until(async () => {
    const { findings: all } = (await app.admin('/api/findings')).json();
    const found = all.filter((f) => f.kind === kind);
    return found.length >= count && found;
  }, { what: `${count} findings: ${kind}` });
}

for (const major of MAJORS)
  test(`node ${major}: more requests than are watched, all at once, are answered`, async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'fettle-many-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(path.join(folder, 'app.js'), `
      const http = require('http');
      http.createServer((req, res) => {
        if (req.url !== '/calls') return res.end(String(process.pid));
        http.get({ port: process.env.PORT, path: '/called' }, (answer) => answer.pipe(res));
      }).listen(process.env.PORT);`);
    const app = await startFettle({ t, target: path.join(folder, 'app.js'), args: ['-w', '1', '--watch-requests', '2'], node: nodeOf(major) });
    const { text: pid } = await app.get('/calls');
    for (let i = 0; i < 2; i++) {
      const answers = await Promise.all(Array.from({ length: 100 }, () => app.get('/')));
      assert.deepEqual(answers.map(({ status, text }) => `${status} ${text}`), answers.map(() => `200 ${pid}`), 'by the same worker');
      await sleep(1000); // more are watched each second
    }
  });

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

/** Of a process, in bytes; of all of it, and of what is not of files or shared. */
function resident(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Object.fromEntries(['VmRSS', 'RssAnon'].map((name) => [name, 1024 * Number(status.match(new RegExp(`${name}:\\s+(\\d+)`))[1])]));
}

// MEMORY_REQUESTS=10000000 HTTP_REQUESTS=1000000 is the long form, with a million statements; here a share of it.
test('memory of agent and monitor stays flat over all kinds of requests', { timeout: 3600000 }, async (t) => {
  const [inside, over] = [Number(process.env.MEMORY_REQUESTS ?? 200000), Number(process.env.HTTP_REQUESTS ?? 10000)];
  const app = await startFettle({
    t, target: path.join(fixture('sqlite'), 'flat.js'), node: nodeOf(24), args: [...ARGS, '--watch-requests', '1000000', '--node-args', '--expose-gc'],
  });
  const monitor = app.helper('monitor');
  const flat = (what, first, last) => {
    const more = Object.fromEntries(['heap', 'rss', 'external', 'monitor'].map((name) => [name, (last[name] - first[name]) / 1e6]));
    t.diagnostic(`${what}: ${Object.entries(more).map(([name, mb]) => `${name} ${(first[name] / 1e6).toFixed(1)} + ${mb.toFixed(1)} MB`).join(', ')}`);
    assert.ok(more.heap < 4 && more.external < 4 && more.rss < 32 && more.monitor < 4, JSON.stringify([what, first, last]));
  };
  const turns = async (requests) => ({ ...(await app.get(`/turn?requests=${requests}`, { timeout: 3000000 })).json(), monitor: resident(monitor).RssAnon });
  await turns(100000); // what is bounded is full
  const first = await turns(50000);
  const marks = [];
  for (let i = 0; i < 10; i++) marks.push(await turns(inside / 10));
  const last = marks.at(-1);
  assert.equal(last.requests - first.requests, inside);
  t.diagnostic(`${inside} requests, ${last.statements - first.statements} statements that nobody had asked before; ${(1000 * marks.reduce((sum, m) => sum + m.took, 0) / inside).toFixed(1)} us each; heap after each tenth, MB: ${marks.map((m) => (m.heap / 1e6).toFixed(1)).join(' ')}; rss: ${marks.map((m) => (m.rss / 1e6).toFixed(0)).join(' ')}`);
  flat(`${inside} requests in the process`, marks[2], last); // until then V8 finds how much it wants for what is young

  const now = async () => ({ ...(await app.get('/memory')).json(), monitor: resident(monitor).RssAnon });
  /** Until `count` more have been answered. */
  const load = async (count) => {
    for (const until = (await now()).requests + count; (await now()).requests < until;)
      await promisify(execFile)(path.join(BUILD, 'fettle'), ['bench', '-c', '16', '-d', count > 100000 ? '10s' : '1s', '--warmup', 'off', `http://127.0.0.1:${app.port}/routes/1`]);
  };
  await load(5000);
  const before = await now();
  await load(over);
  const after = await now();
  assert.ok(after.requests - before.requests >= over, `${after.requests} ${before.requests}`);
  flat(`${after.requests - before.requests} requests over HTTP`, before, after);
});
