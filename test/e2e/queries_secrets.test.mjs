// Values of statements never leave the process: no secret of fixtures/secrets is in anything that fettle holds or says.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { startMariadb, startPostgresql, startRedis } from './helpers/databases.mjs';
import { startMongodb } from './helpers/mongodb.mjs';
import { BUILD, fixture, nodeOf, startFettle } from './helpers/fettle.mjs';

const PAGES = ['/metrics', '/api/workers', '/api/history', '/api/app', '/api/apps', '/api/lanes', '/api/routes', '/api/statements', '/api/findings'];
const COMMANDS = [['findings'], ['findings', '--json'], ['routes'], ['routes', '--json'], ['sql', 'statements', '--top', 'all'], ['sql', 'statements', '--json', '--top', 'all'], ['describe'], ['logs']];

const NEEDLES = [['s3kr', /^s3kr\d/], [Buffer.from('s3kr').toString('hex'), /^/], [Buffer.from('s3kr').toString('hex').toUpperCase(), /^/], ['73019', /^73019\d{5}/]];

/** Where a secret is in `bytes`, with what is around it: as it is, in hexadecimal, or a number. */
function leaks(bytes) {
  const found = [];
  for (const [needle, rest] of NEEDLES)
    for (let at = bytes.indexOf(needle); at >= 0 && found.length < 5; at = bytes.indexOf(needle, at + 1))
      if (rest.test(bytes.toString('latin1', at, at + 20))) found.push(bytes.toString('latin1', Math.max(0, at - 80), at + 40).replace(/[^\x20-\x7e]/g, '·'));
  return found;
}

/** All that supervisor, proxy, monitor and workers share: the journals are in it. */
function shared(pid) {
  const folder = `/proc/${pid}/fd`;
  return fs.readdirSync(folder).filter((fd) => fs.readlinkSync(path.join(folder, fd)).startsWith('/memfd:'))
    .map((fd) => [`memory of ${pid}, ${fd}`, fs.readFileSync(path.join(folder, fd))]);
}

/** A back end of OTLP that keeps the bytes. */
async function sink(t) {
  const bodies = [];
  const server = http.createServer((req, res) => {
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', () => {
      const bytes = Buffer.concat(parts);
      if (req.url.startsWith('/v1/')) bodies.push([`OTLP ${req.url}`, req.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(bytes) : bytes]);
      res.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  return { bodies, url: `http://127.0.0.1:${server.address().port}` };
}

test('no value of a statement is in journals, pages, commands, logs, traces or metrics', { timeout: 180000 }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-secrets-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const [pg, mysql, redis, mongodb, otlp] = await Promise.all([startPostgresql(t), startMariadb(t), startRedis(t), startMongodb(t), sink(t)]);
  await pg.sql(`create table t (a text, b bigint); create role nobody;
    create function slowly(n int) returns int language plpgsql as $$ begin perform pg_sleep(0.02); return n; end $$`);
  await mysql.sql('create table t (a varchar(100), b bigint); create function slowly(n int) returns int not deterministic no sql return n + 0 * sleep(0.02)');
  const run = await startFettle({
    t, target: path.join(fixture('secrets'), 'app.js'), node: nodeOf(24),
    args: ['-w', '1', '--watch-requests', '100000', '--n-plus-one-time', '0', '--slow-statement', '10ms', '--log', 'json', '--slow', '1ms', '--block', '20ms',
      '--access-log', path.join(dir, 'access.log'), '--otlp', otlp.url, '--otlp-interval', '500ms', '--trace-sample', '100%'],
    env: { OTHER_URL: `${otlp.url}/other`, PG_URL: pg.url(), MYSQL_URL: mysql.url(), REDIS_URL: redis.url(), MONGODB_URL: mongodb.url, FETTLE_RUNTIME_DIR: dir },
  });
  let planted = 0;
  const shots = [];
  for (let round = 0; round < 3; round++) {
    for (const route of ['/pg', '/mysql', '/sqlite', '/others']) {
      const answer = await run.get(route);
      assert.equal(answer.status, 200, answer.text);
      planted = answer.json()[0];
    }
    shots.push(...shared(run.pid)); // what rings hold now is gone later
  }
  assert.ok(planted > 500, `${planted} secrets`);
  const kinds = await run.until(async () => {
    const { findings } = (await run.admin('/api/findings')).json();
    const found = new Set(findings.map((f) => f.kind));
    return found.has('n-plus-one') && found.has('slow-statement') && found;
  }, { what: 'findings' });
  t.diagnostic(`${planted} secrets; findings: ${[...kinds].join(', ')}`);
  await run.until(async () => {
    const { statements } = (await run.admin('/api/statements')).json();
    return new Set(statements.map((s) => s.system)).size >= 6 && statements.length > 80;
  }, { what: 'statements of all systems' });
  await run.until(() => otlp.bodies.filter(([name]) => name.endsWith('/v1/traces')).length > 0 && otlp.bodies.some(([name]) => name.endsWith('/v1/metrics')), { what: 'OTLP' });
  const seen = [...shots, ...otlp.bodies];
  seen.push(...shared(run.pid));
  for (const page of PAGES) seen.push([page, Buffer.from((await run.admin(page)).text)]);
  for (const args of COMMANDS) {
    const { stdout, stderr } = spawnSync(path.join(BUILD, 'fettle'), args, { env: { PATH: process.env.PATH, HOME: dir, FETTLE_RUNTIME_DIR: dir }, timeout: 30000 });
    seen.push([`fettle ${args.join(' ')}`, Buffer.concat([stdout, stderr])]);
  }
  await run.stop();
  seen.push(['output', Buffer.from(run.output)]);
  for (const name of fs.readdirSync(dir)) if (fs.statSync(path.join(dir, name)).isFile()) seen.push([name, fs.readFileSync(path.join(dir, name))]);
  assert.ok(seen.some(([name, bytes]) => name.startsWith('memory') && bytes.includes('select')), 'statements are in the memory');
  assert.ok(otlp.bodies.some(([, bytes]) => bytes.includes('select')), 'statements are in the spans');
  assert.deepEqual(seen.flatMap(([name, bytes]) => leaks(bytes).map((text) => `${name}: ${text}`)), []);
  t.diagnostic(`${seen.length} places, ${(seen.reduce((sum, [, bytes]) => sum + bytes.length, 0) / 1e6).toFixed(0)} MB looked through`);
});
