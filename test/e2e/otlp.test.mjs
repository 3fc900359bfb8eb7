// otlp.test.mjs -- traces go on through the proxy, and leave with the metrics by OTLP/HTTP, to a
// receiver that decodes them with OpenTelemetry's own definitions
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { BUILD, fixture, startFettle } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';
import { Receiver } from './helpers/otlp.mjs';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const TOKEN = 'a-token-that-nobody-may-see';
const parent = (flags = '01', trace = TRACE) => `00-${trace}-${SPAN}-${flags}`;

function folder(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-otlp-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** An app in one file. */
function app(t, body) {
  const file = path.join(folder(t), 'app.js');
  fs.writeFileSync(file, `require('http').createServer((req, res) => { ${body} }).listen(process.env.PORT);\n`);
  return file;
}
const ECHO = `
  if (req.url === '/fail') res.statusCode = 503;
  if (req.url.startsWith('/break')) { res.writeHead(200, { 'content-length': 100 }); res.write('x'); return setTimeout(() => res.destroy(), 20); }
  const answer = () => res.end(JSON.stringify(req.headers));
  req.url === '/slow' ? setTimeout(answer, 150) : answer();`;

const start = (t, receiver, { args = [], env = {}, target = app(t, ECHO), ...more } = {}) =>
  startFettle({ t, target, env: { FETTLE_RUNTIME_DIR: folder(t), ...env }, args: ['--otlp', receiver.url, ...args], ...more });

const spanOf = (receiver, pathname) => poll(() => receiver.spans.find((s) => s.attributes['url.path'] === pathname));

/** The value of a line of /metrics. */
async function metric(run, line) {
  const { text } = await run.admin('/metrics');
  return Number(text.split('\n').find((one) => one.startsWith(`${line} `))?.split(' ').pop() ?? NaN);
}

test('every request of a load that is traced as a whole has one server span', async (t) => {
  const receiver = await new Receiver().start(t);
  const log = path.join(folder(t), 'access.log');
  const run = await start(t, receiver, { args: ['-w', '2', '--trace-sample', '100%', '--access-log', log, '--log', 'json'] });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  t.after(() => agent.destroy());
  const N = 600;
  const told = await Promise.all(
    Array.from({ length: N }, async (_, i) => {
      const headers = i % 2 ? { traceparent: parent('01', (i + 1).toString(16).padStart(32, '0')) } : {};
      const answer = await run.get(`/r/${i}?secret=${i}`, { agent, headers });
      return answer.json().traceparent;
    }),
  );
  await poll(() => receiver.spans.filter((s) => s.kind === 2).length >= N);
  assert.deepEqual(receiver.bad, []);
  const servers = receiver.spans.filter((s) => s.kind === 2);
  assert.equal(servers.length, N);
  assert.equal(new Set(receiver.spans.map((s) => s.spanId)).size, receiver.spans.length);
  const lines = new Map(
    fs.readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).map((line) => [line.target, line]),
  );
  for (const span of servers) {
    const i = Number(span.attributes['url.path'].slice(3));
    const [, trace, id, flags] = told[i].split('-');
    assert.deepEqual([span.traceId, span.spanId, flags], [trace, id, '01']);
    assert.equal(span.parentSpanId, i % 2 ? SPAN : '');
    if (i % 2) assert.equal(trace, (i + 1).toString(16).padStart(32, '0'));
    const line = lines.get(`/r/${i}?secret=${i}`);
    assert.equal(line.trace_id, trace);
    assert.ok(Math.abs(Number(span.end - span.start) / 1e6 - line.total_ms) < 0.002, `${i}: ${span.end - span.start} ns, ${line.total_ms} ms`);
  }
  // The wait in the queue is a child.
  for (const queue of receiver.spans.filter((s) => s.name === 'queue')) {
    const server = servers.find((s) => s.spanId === queue.parentSpanId);
    assert.equal(queue.traceId, server.traceId);
    assert.ok(queue.start >= server.start && queue.end <= server.end);
    const line = lines.get(`${server.attributes['url.path']}?${server.attributes['url.query'].replace('REDACTED', server.attributes['url.path'].slice(3))}`);
    assert.ok(Math.abs(Number(queue.end - queue.start) / 1e6 - line.queue_ms) < 0.002);
  }
  const { attributes, resource, name } = servers[0];
  assert.equal(name, 'GET');
  assert.equal(attributes['url.query'], 'secret=REDACTED');
  for (const [key, value] of Object.entries({
    'http.request.method': 'GET', 'url.scheme': 'http', 'http.response.status_code': 200, 'server.address': '127.0.0.1',
    'server.port': run.port, 'client.address': '127.0.0.1', 'network.protocol.version': '1.1',
  }))
    assert.equal(attributes[key], value, key);
  assert.equal(resource['service.name'], 'app');
  assert.equal(await metric(run, 'fettle_spans_lost_total'), 0);
});

test('what is sampled, and what always is told', async (t) => {
  const receiver = await new Receiver().start(t);
  const run = await start(t, receiver, { args: ['-w', '1', '--trace-sample', 'off', '--slow', '100ms'] });
  const seen = async (target, headers) => (await run.get(target, { headers }).catch(() => null))?.json();

  const kept = await seen('/kept', { traceparent: parent('01'), tracestate: 'a=1,b=2' });
  assert.match(kept.traceparent, new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-01$`));
  assert.equal(kept.tracestate, 'a=1,b=2');
  const not = await seen('/not', { traceparent: parent('00') });
  assert.match(not.traceparent, new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-00$`));
  const anew = await seen('/anew', { traceparent: parent('01').toUpperCase(), tracestate: 'a=1' });
  assert.match(anew.traceparent, new RegExp(`^00-(?!${TRACE})[0-9a-f]{32}-[0-9a-f]{16}-00$`));
  assert.equal(anew.tracestate, undefined);
  const large = await seen('/large', { traceparent: parent('01'), tracestate: `a=${'x'.repeat(600)}` });
  assert.equal(large.tracestate, undefined);
  const failed = await seen('/fail', {});
  const slow = await seen('/slow', { traceparent: parent('00') });
  await seen('/break', { traceparent: parent('01') });
  await run.get('/http10', { headers: { traceparent: parent('01'), 'user-agent': 'tester/1', host: 'shop.example' }, method: 'OPTIONS' });
  await spanOf(receiver, '/http10');
  assert.deepEqual(receiver.bad, []);
  const servers = receiver.spans.filter((s) => s.kind === 2);
  assert.deepEqual(servers.map((s) => s.attributes['url.path']), ['/kept', '/large', '/fail', '/slow', '/break', '/http10']);
  const [one, , five, late, broken, last] = servers;
  assert.equal(one.traceState, 'a=1,b=2');
  assert.equal(one.parentSpanId, SPAN);
  assert.equal(five.spanId, failed.traceparent.split('-')[2]);
  assert.equal(five.parentSpanId, '');
  assert.deepEqual([five.status, five.attributes['error.type'], five.attributes['http.response.status_code']], [2, '503', 503]);
  assert.ok(late.end - late.start > 100_000_000n && late.traceId === TRACE && late.spanId === slow.traceparent.split('-')[2]);
  assert.deepEqual([broken.status, broken.attributes['error.type']], [2, 'aborted']);
  assert.equal(last.name, 'OPTIONS');
  assert.equal(last.attributes['user_agent.original'], 'tester/1');
  assert.equal(last.attributes['server.address'], 'shop.example');
});

test('without a back end a head passes untouched, and strangers may be kept from deciding', async (t) => {
  const receiver = await new Receiver().start(t);
  const plain = await startFettle({ t, target: app(t, ECHO), env: { FETTLE_RUNTIME_DIR: folder(t) }, args: ['-w', '1'] });
  const headers = { traceparent: 'not at all', tracestate: '' };
  const through = (await plain.get('/', { headers })).json();
  assert.equal(through.traceparent, 'not at all');
  assert.equal((await plain.get('/')).json().traceparent, undefined);

  const run = await start(t, receiver, { args: ['-w', '1', '--trace-parent', 'trusted', '--trust-proxy', '10.0.0.0/8', '--trace-sample', '100%', '--otlp-signals', 'traces'] });
  const anew = (await run.get('/', { headers: { traceparent: parent('00'), tracestate: 'a=1' } })).json();
  assert.match(anew.traceparent, new RegExp(`^00-(?!${TRACE})`));
  assert.ok(anew.traceparent.endsWith('-01') && anew.tracestate === undefined);
  // What is left is sent when fettle ends.
  await run.stop();
  assert.equal(receiver.spans.filter((s) => s.kind === 2).length, 1);
  assert.equal(receiver.counts.metrics, 0);
});

for (const [temporality, delta] of [['cumulative', false], ['delta', true]])
  test(`metrics: ${temporality}`, async (t) => {
    const receiver = await new Receiver().start(t);
    const run = await start(t, receiver, {
      args: ['-w', '2', '--otlp-interval', '300ms', '--otlp-temporality', temporality, '--otlp-signals', 'metrics'],
      env: { OTEL_SERVICE_NAME: 'shop', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%20b,service.instance.id=mine' },
    });
    await run.serving(2);
    const requests = () => receiver.metrics.filter((m) => m.name === 'http.server.request.duration' && m.attributes['http.response.status_code'] === 200);
    const total = () => (delta ? requests().reduce((sum, m) => sum + m.count, 0) : (requests().at(-1)?.count ?? 0));
    for (let i = 0; i < 10; i++) await run.get('/');
    await poll(() => total() === 10);
    for (let i = 0; i < 5; i++) await run.get('/');
    await poll(() => total() === 15);
    assert.deepEqual(receiver.bad, []);
    const duration = requests().at(-1);
    assert.deepEqual([duration.kind, duration.unit, duration.temporality], ['histogram', 's', delta ? 1 : 2]);
    assert.equal(duration.count, duration.buckets.reduce((a, b) => a + b));
    assert.equal(duration.buckets.length, duration.bounds.length + 1);
    assert.ok(duration.sum > 0);
    assert.equal(duration.resource['service.name'], 'shop');
    assert.equal(duration.resource['deployment.environment.name'], 'a b');
    const loop = receiver.metrics.filter((m) => m.name === 'nodejs.eventloop.time');
    assert.deepEqual([...new Set(loop.map((m) => m.resource['service.instance.id']))].sort(), ['mine.1', 'mine.2']);
    assert.ok(loop.every((m) => m.kind === 'sum' && m.monotonic && m.resource['process.pid'] > 1 && m.start < m.time));
    // Deltas follow one another without a gap.
    const mine = loop.filter((m) => m.resource['fettle.worker'] === '1' && m.attributes['nodejs.eventloop.state'] === 'idle');
    for (let i = 1; i < mine.length; i++) assert.equal(mine[i].start, delta ? mine[i - 1].time : mine[0].start);
    const heap = receiver.metrics.find((m) => m.name === 'v8js.memory.heap.used');
    assert.deepEqual([heap.kind, heap.unit, heap.monotonic ?? false, heap.temporality], ['sum', 'By', false, 2]);
    assert.equal(receiver.metrics.find((m) => m.name === 'process.cpu.utilization').kind, 'gauge');
  });

test('a back end that fails, is slow, talks nonsense or is gone', async (t) => {
  const receiver = await new Receiver().start(t);
  const run = await start(t, receiver, {
    args: ['-w', '1', '--trace-sample', '100%', '--otlp-signals', 'traces', '--otlp-timeout', '300ms'],
    env: { FETTLE_OTLP_HEADERS: `api-key=${TOKEN},x-other=a%20b%2Cc` },
  });
  let n = 0;
  const ask = async (count = 1) => {
    for (let i = 0; i < count; i++) assert.equal((await run.get(`/n/${n++}`)).status, 200);
  };
  const told = (count) => poll(() => receiver.spans.filter((s) => s.kind === 2).length === count);
  const one = (answers) => {
    let at = 0;
    receiver.answer = () => answers[at++];
  };

  one([{ status: 429, headers: { 'retry-after': '1' } }]);
  const from = receiver.requests.length;
  await ask();
  await told(1);
  const [first, second] = receiver.requests.slice(from);
  assert.ok(second.at - first.at > 950, 'Retry-After is respected');
  assert.equal(first.headers['api-key'], TOKEN);
  assert.equal(first.headers['x-other'], 'a b,c');
  assert.equal(first.headers['content-encoding'], 'gzip');

  one([{ status: 413 }]); // comes again in halves
  await ask(2);
  await told(3);

  one([{ body: '<html>nonsense</html>' }]);
  await ask();
  await told(4);
  one([{ body: Receiver.partial(1) }]);
  await ask();
  await told(5);
  await run.line(/has refused 1 of \d spans/);

  const lost = await metric(run, 'fettle_otlp_rejected_total{signal="traces"}');
  one([{ status: 401 }]);
  await ask();
  await run.line(/answers 401 to spans; they are dropped: is otlp-headers right\?/);
  assert.ok((await metric(run, 'fettle_otlp_rejected_total{signal="traces"}')) > lost);

  receiver.answer = () => ({ wait: new Promise((done) => setTimeout(done, 1000)), status: 503 }); // never in time
  await ask();
  await run.line(/spans cannot be sent to http:\/\/127\.0\.0\.1:\d+: Timeout was reached/);
  receiver.answer = null;
  await told(6);

  await receiver.stop();
  await ask(20);
  await run.line(/spans cannot be sent to .*: Couldn't connect to server/);
  assert.equal((await run.admin('/readyz')).status, 200);
  assert.ok((await metric(run, 'fettle_otlp_queue_bytes{signal="traces"}')) > 0);
  await receiver.start(t, receiver.port);
  await told(26);
  await run.line(/takes spans again/);
  assert.deepEqual(receiver.bad, []);

  // The token is nowhere to be seen.
  for (const { pid } of run.processes()) assert.ok(!fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(TOKEN));
  assert.ok(!run.output.includes(TOKEN));
  for (const page of ['/metrics', '/api/app', '/api/workers']) assert.ok(!(await run.admin(page)).text.includes(TOKEN));
  const dir = folder(t);
  fs.writeFileSync(path.join(dir, 'fettle.json'), JSON.stringify({ otlp: receiver.url, 'otlp-headers': `api-key=${TOKEN}` }));
  const shown = execFileSync(path.join(BUILD, 'fettle'), ['config', 'show', '--json', dir]);
  assert.ok(!shown.includes(TOKEN) && shown.includes(receiver.url));
});

test('an app with an SDK of its own goes on with the trace', async (t) => {
  const receiver = await new Receiver().start(t);
  const run = await start(t, receiver, { target: fixture('otel/server.cjs'), args: ['-w', '1', '--trace-sample', '100%'] });
  const inside = (await run.get('/inside', { headers: { traceparent: parent() } })).json();
  const server = await spanOf(receiver, '/inside');
  assert.equal(inside.traceId, TRACE);
  assert.equal(server.traceId, TRACE);
  assert.equal(server.parentSpanId, SPAN);
  assert.equal(inside.parentSpanId, server.spanId);
  assert.equal(inside.recording, true);
});
