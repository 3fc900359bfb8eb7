// contenders.test.mjs -- how the peers of `make bench` are configured, without starting one
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { contenders, haproxyConf, missing, nginxConf, pm2Conf, wattConf } from './contenders.mjs';
import { beside, inTurns, loadArgs } from './turns.mjs';

const backs = ['/tmp/x/0.sock', '/tmp/x/1.sock'];

test('nginx gives to the worker with the fewest, over kept connections', () => {
  const conf = nginxConf({ folder: '/tmp/x', port: 8080, backs, user: 'root' });
  assert.match(conf, /^user root;/);
  assert.match(conf, /least_conn;\n {4}server unix:\/tmp\/x\/0\.sock;\n {4}server unix:\/tmp\/x\/1\.sock;\n {4}keepalive 256;/);
  assert.match(conf, /listen 127\.0\.0\.1:8080;/);
  assert.doesNotMatch(nginxConf({ folder: '/tmp/x', port: 8080, backs, user: '' }), /^user/);
});

test('HAProxy: one request per worker is a limit of each server', () => {
  assert.match(haproxyConf({ port: 1, backs, one: true }), /nbthread 1[^]*server w1 unix@\/tmp\/x\/1\.sock maxconn 1\n$/);
  const plain = haproxyConf({ port: 1, backs, one: false });
  assert.match(plain, /balance leastconn\n {2}http-reuse always\n {2}server w0 unix@\/tmp\/x\/0\.sock\n/);
  assert.doesNotMatch(plain, /nbthread|maxconn 1\n/);
});

test('pm2 and Watt run the app itself, on as many workers', () => {
  const [app] = pm2Conf({ app: '/a/app.js', workers: 3, env: { PORT: '1' }, folder: '/tmp/x' }).apps;
  assert.deepEqual([app.script, app.exec_mode, app.instances, app.env.PORT], ['/a/app.js', 'cluster', 3, '1']);
  const watt = wattConf({ app: '../app.js', workers: 3, port: 8080 });
  assert.deepEqual([watt.node.main, watt.runtime.workers, watt.runtime.server.port], ['../app.js', 3, 8080]);
});

test('the load of a constant rate, and that of full speed', () => {
  const url = 'http://127.0.0.1:1/x';
  assert.equal(loadArgs({ url, mix: 'm.json', rate: 520, seconds: 8, warmup: 0.5, seed: 2 }).join(' '),
    `bench --json --rate 520 -c 64 -d 8000ms --warmup 500ms --timeout 30000ms --seed 2 --mix m.json ${url}`);
  assert.equal(loadArgs({ url, seconds: 1, warmup: 0, connections: 256 }).join(' '), `bench --json -c 256 -d 1000ms --warmup off --timeout 30000ms --seed 1 ${url}`);
  assert.deepEqual(beside('/fast', '/slow').map((kind) => [kind.path, kind.weight]), [['/fast', 98], ['/slow', 2]]);
});

test('contenders take turns, each round begins with another, all are stopped, who is missing is left out', async (t) => {
  const seen = [];
  for (const name of ['a', 'b', 'c']) {
    contenders[name] = { label: name, needs: name === 'c' ? 'no-such-program' : undefined,
      start: async ({ workers }) => ({ name, stop: async () => seen.push(`-${name}${workers}`) }) };
    t.after(() => delete contenders[name]);
  }
  const said = [];
  const results = await inTurns({ log: (text) => said.push(text), work: 1, workers: 2, rounds: 2 }, ['a', 'b', 'c'], async (it, round) => `${it.name}${round}`);
  assert.deepEqual(results, { a: ['a1', 'a2'], b: ['b1', 'b2'] });
  assert.deepEqual(seen, ['-a2', '-b2', '-b2', '-a2']);
  assert.match(said[0], /c is left out: there is no no-such-program/);
  assert.equal(missing(contenders.cluster), undefined);
});
