// spans.test.mjs -- the calls of a traced request are spans below the proxy's, and its trace goes on in
// what the app asks of others
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startMariadb, startPostgresql, startRedis } from './helpers/databases.mjs';
import { fixture, nodeOf, startFettle } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';
import { Receiver } from './helpers/otlp.mjs';

function folder(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-spans-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}
const start = (t, receiver, { args = [], env = {}, app = 'app.js', ...more } = {}) =>
  startFettle({
    t, target: path.join(fixture('spans'), app), env: { FETTLE_RUNTIME_DIR: folder(t), ...env },
    args: ['-w', '1', ...(receiver ? ['--otlp', receiver.url, '--otlp-signals', 'traces'] : []), ...args], ...more,
  });

const INTERNAL = 1;
const CLIENT = 3;
const EARLY_NS = 2_000_000n;
let last = 0;
const traceOf = (n) => n.toString(16).padStart(32, '0');
const SPAN = 'b7ad6b7169203331';

/** Asks for `target` with a trace of its own: the answer, the proxy's span, and the `count` client spans below it. */
async function ask(run, receiver, target, count, { flags = '01', kind = CLIENT, ...options } = {}) {
  const trace = traceOf(++last);
  const answer = await run.get(target, { ...options, headers: { traceparent: `00-${trace}-${SPAN}-${flags}`, tracestate: 'a=1', ...options.headers } });
  assert.equal(answer.status, 200, answer.text);
  const mine = () => receiver.spans.filter((s) => s.traceId === trace);
  const server = () => mine().find((s) => s.attributes['url.path'] === target.split('?')[0] && s.parentSpanId === SPAN);
  const below = () => mine().filter((s) => s.kind === kind && s.name !== 'queue');
  await poll(() => server() && below().length >= count);
  assert.equal(below().length, count, target);
  for (const span of below()) {
    assert.equal(span.parentSpanId, server().spanId, target);
    // The proxy looks at the clock once for all that has come in a turn of its loop, before it reads.
    assert.ok(span.start >= server().start - EARLY_NS && span.end <= server().end + EARLY_NS && span.end >= span.start, `${target}: ${[span.start - server().start, server().end - span.end, span.end - span.start]} ns`);
    assert.doesNotMatch(JSON.stringify([span.name, span.attributes]), /secret/, target);
  }
  return { answer: answer.json(), server: server(), spans: below(), all: mine };
}
const shown = ({ name, status, attributes }) => ({ name, status, ...attributes });

test('a statement that waits in the pool behind one of a traced request is none of that request', async (t) => {
  const receiver = await new Receiver().start(t);
  const pg = await startPostgresql(t);
  const run = await start(t, receiver, { node: nodeOf(24), env: { PG_URL: pg.url() }, args: ['--watch-requests', 'off'] });
  const [{ answer, spans }] = await Promise.all([
    ask(run, receiver, '/single-first', 1),
    run.get('/single-behind', { headers: { traceparent: `00-${traceOf(++last)}-${SPAN}-00` } }),
  ]);
  assert.deepEqual([answer, spans[0].name], [[{ relname: 'pg_class' }, 1], 'SELECT pg_class']);
});

test('pg, mysql2, ioredis, redis: a client span for each statement, without its values', async (t) => {
  const receiver = await new Receiver().start(t);
  const [pg, mysql, redis] = await Promise.all([startPostgresql(t), startMariadb(t), startRedis(t)]);
  const run = await start(t, receiver, { node: nodeOf(24), env: { PG_URL: pg.url(), MYSQL_URL: mysql.url(), REDIS_URL: redis.url() } });
  const one = async (target) => shown((await ask(run, receiver, target, 1)).spans[0]);
  await run.get('/ioredis');
  const [fromPool, fromClient, failed, fromMysql, set, get] = await Promise.all(['/pg', '/pg-client', '/pg-fail', '/mysql', '/ioredis', '/redis'].map(one));
  assert.deepEqual(fromPool, {
    name: 'SELECT pg_class', status: 0, 'db.system.name': 'postgresql', 'db.namespace': 'postgres', 'server.address': '127.0.0.1',
    'server.port': pg.port, 'db.operation.name': 'SELECT', 'db.collection.name': 'pg_class',
    'db.query.text': 'select $1 as a from pg_class where relname = $2 limit $3',
  });
  assert.equal(fromClient['db.query.text'], 'select count(*) from pg_class');
  assert.deepEqual([failed.name, failed.status, failed['error.type'], failed['db.namespace']], ['SELECT Nowhere', 2, '42P01', 'postgres']);
  assert.deepEqual([fromMysql['db.system.name'], fromMysql['server.port']], ['mysql', mysql.port]);
  assert.match(fromMysql['db.query.text'], /TABLE_NAME = \?/i);
  assert.deepEqual(set, {
    name: 'SET', status: 0, 'db.system.name': 'redis', 'db.namespace': '0', 'db.operation.name': 'SET', 'server.address': '127.0.0.1',
    'server.port': redis.port, 'db.query.text': 'SET user:*',
  });
  assert.deepEqual([get.name, get['server.port']], ['GET', redis.port]);
  assert.deepEqual(receiver.bad, []);
});

for (const major of [18, 20, 22, 24, 26])
  test(`node ${major}: node:sqlite, node:http and fetch; the trace goes on in another fettle`, async (t) => {
    const receiver = await new Receiver().start(t);
    const node = nodeOf(major);
    const args = ['--trace-sample', 'off', '--watch-requests', 'off'];
    const other = await start(t, receiver, { node, args });
    const OTHER = `http://127.0.0.1:${other.port}`;
    const run = await start(t, receiver, { node, env: { OTHER }, args });
    const paths = (await run.get('/')).json();
    await run.get('/http'); // the first call of a process is not seen

    const passes = async (target) => {
      const options = target === '/body' ? { method: 'POST', body: 'x'.repeat(100000) } : {};
      const { answer, spans: [span], all } = await ask(run, receiver, target, 1, options);
      const head = JSON.parse(answer.text);
      assert.equal(head.tracestate, 'a=1', target);
      const remote = await poll(() => all().find((s) => s.attributes['url.path'] === '/echo'));
      assert.equal(remote.parentSpanId, span.spanId, target);
      assert.equal(head.traceparent, `00-${span.traceId}-${remote.spanId}-01`);
      assert.deepEqual(shown(span), {
        name: 'GET', status: 0, 'http.request.method': 'GET', 'http.response.status_code': 200, 'server.address': '127.0.0.1',
        'server.port': other.port, 'url.full': `${OTHER}/echo${target === '/http' || target === '/fetch' ? '?key=REDACTED' : ''}`,
      });
    };
    // What the app says itself stays as it is: the other fettle finds no trace in it.
    const own = async (target) => {
      const { answer, server } = await ask(run, receiver, target, 1);
      assert.ok(!answer.text.includes(server.traceId), target);
    };
    const fails = async (target, word) => {
      const span = (await ask(run, receiver, target, 1)).spans[0];
      assert.deepEqual([span.status, span.attributes['error.type']], [2, word]);
    };
    const sqlite = async () => {
      const { spans } = await ask(run, receiver, '/sqlite', 2);
      assert.deepEqual(spans.map((s) => s.name), ['INSERT users', 'SELECT users']);
      assert.equal(spans[0].attributes['db.query.text'], 'insert into users(name) values (?)');
    };
    // More than a journal holds, at once, and nothing is lost.
    const many = async () => {
      const { spans } = await ask(run, receiver, '/many?n=900', 900);
      assert.equal(new Set(spans.map((s) => s.spanId)).size, 900);
    };
    // Who is not sampled has no spans, and passes nothing on.
    const unsampled = traceOf(++last);
    const plain = (await run.get('/http', { headers: { traceparent: `00-${unsampled}-${SPAN}-00` } })).json();
    assert.ok(!plain.text.includes(unsampled));
    // All at a time: each finds its own request.
    await Promise.all([
      ...['/http', '/http-list', '/fetch', '/body'].map(passes),
      ...['/http-own', '/fetch-own'].map(own),
      fails('/fetch-fail', '503'),
      ...(major >= 22 ? [fails('/http-gone', 'ECONNREFUSED')] : []),
      ...(paths.includes('/sqlite') ? [sqlite(), many(), fails('/sqlite-fail', 'ERR_SQLITE_ERROR')] : []),
    ]);
    assert.ok(!receiver.spans.some((s) => s.traceId === unsampled));
    assert.deepEqual(receiver.bad, []);
  });

for (const major of [18, 20, 22, 24, 26])
  test(`node ${major}: what the app marks and measures in a traced request is a span of it`, async (t) => {
    const receiver = await new Receiver().start(t);
    const run = await start(t, receiver, { node: nodeOf(major), app: 'measures.js', args: ['--trace-sample', 'off'] });
    // The first entry of a process tells that there are such, and is none itself.
    const checkout = async () => {
      const trace = traceOf(++last);
      await run.get('/checkout', { headers: { traceparent: `00-${trace}-${SPAN}-01` } });
      await poll(() => receiver.spans.some((s) => s.traceId === trace));
      return receiver.spans.some((s) => s.traceId === trace && s.kind === INTERNAL);
    };
    await poll(checkout);
    const { answer, spans } = await ask(run, receiver, '/checkout', 2, { kind: INTERNAL });
    assert.equal(answer, 'SyntaxError');
    const [mark, measure] = spans.sort((a, b) => (a.name < b.name ? -1 : 1));
    assert.deepEqual(shown(mark), {
      name: 'begin', status: 0, 'performance.entry_type': 'mark', 'performance.detail.cart': 3, 'performance.detail.ratio': 0.5,
      'performance.detail.gift': true, 'performance.detail.user': 'somebody',
    });
    assert.equal(mark.end, mark.start);
    assert.equal(mark.parentSpanId, measure.parentSpanId);
    assert.deepEqual(shown(measure), {
      name: 'order-:id', status: 0, 'performance.entry_type': 'measure', 'performance.name': 'order-90125', 'performance.detail': 'plain',
    });
    assert.equal(measure.start, mark.start);
    assert.ok(measure.end - measure.start > 3_000_000n);
    // Bounded: 128 of a request, 16 attributes of 256 bytes at most.
    const { spans: many } = await ask(run, receiver, '/many', 128, { kind: INTERNAL });
    assert.equal(Object.keys(many[0].attributes).length, 16);
    assert.ok(JSON.stringify(many[0].attributes).length < 4096);
    await run.until(async () => Number(/^fettle_spans_lost_total (\d+)/m.exec((await run.admin('/metrics')).text)?.[1]) >= 372, { what: 'what was dropped is counted' });
    // Who is not traced has none, and the app sees nothing of it.
    const own = (await run.get('/own')).json();
    assert.deepEqual({ ...own, seen: own.seen > 0 }, { length: true, name: true, own: [], same: true, seen: true });
    assert.ok(!receiver.spans.some((s) => s.name === 'x'));
    assert.deepEqual(receiver.bad, []);
  });
