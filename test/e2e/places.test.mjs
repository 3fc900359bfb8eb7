// What holds at one place only: an address, a route, an app; and what a reload makes of it.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, NODE, PATIENCE_MS, freePort, startFettle } from './helpers/fettle.mjs';
import { poll } from './helpers/net.mjs';

const skip = BARE && 'needs fettle';

/** Tells who answers, and what it was told. */
const SERVER = `
  require('node:http').createServer((req, res) => {
    let bytes = 0;
    req.on('data', (data) => (bytes += data.length)).on('end', () => {
      const wait = Number(new URL(req.url, 'http://x').searchParams.get('wait') ?? 0);
      const tell = () => res.end(JSON.stringify({ app: process.env.APP, pid: process.pid, url: req.url, bytes,
        prefix: req.headers['x-forwarded-prefix'], for: req.headers['x-forwarded-for'], env: process.env.SECRET_WORD }));
      wait ? setTimeout(tell, wait) : tell();
    });
  }).listen(process.env.PORT ?? 0, '127.0.0.1');`;

/** A folder of its own, in which runtime folders are made, too, so that no other fettle is seen. */
function place(t, files) {
  const cwd = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fp-')));
  t.after(() => fs.rmSync(cwd, { recursive: true, force: true }));
  const write = (all) => {
    for (const [name, text] of Object.entries(all))
      fs.writeFileSync(path.join(cwd, name), typeof text === 'string' ? text : JSON.stringify(text, null, 2));
  };
  write({ 'server.js': SERVER, ...files });
  fs.mkdirSync(path.join(cwd, 'run'));
  const env = { FETTLE_RUNTIME_DIR: path.join(cwd, 'run') };
  const clean = { ...process.env, PATH: `${BUILD}:${path.dirname(fs.realpathSync(NODE))}:${process.env.PATH}` };
  for (const name of Object.keys(clean)) if (/^(FETTLE_|NO_COLOR$|NODE_OPTIONS$|npm_)/.test(name)) delete clean[name];
  const fettle = (...args) => spawnSync(path.join(BUILD, 'fettle'), args, { cwd, env: { ...clean, ...env }, encoding: 'utf8', timeout: 60000 });
  const rows = () => JSON.parse(fettle('ps', '--json').stdout).apps;
  const run = async (target = 'fettle.json', more = {}) => {
    const app = await startFettle({ t, cwd, target, port: false, ready: false, ...more, env: { ...env, ...more.env } });
    await poll(() => rows().length && rows().every((row) => row.workers_ready === row.workers_wanted), { timeout: PATIENCE_MS });
    return app;
  };
  return { cwd, write, fettle, rows, run };
}

/** { status, json?, text } of a request; `at` is { port } or { socketPath }. */
function ask(at, target = '/', { body, method = body ? 'POST' : 'GET', headers, host = 'x' } = {}) {
  return new Promise((done, fail) => {
    const req = http.request({ host: '127.0.0.1', ...at, path: target, method, agent: false, headers: { host, ...headers } }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (data) => (text += data));
      res.on('end', () => done({ status: res.statusCode, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }));
      res.on('error', fail);
    });
    req.on('error', fail);
    req.end(body);
  });
}

test('routes on a unix socket, and what a route takes off the path', { skip }, async (t) => {
  const { cwd, run } = place(t, { 'fettle.json': {
    workers: 1, 'trust-proxy': ['127.0.0.1'],
    routes: { 'unix:run/front.sock': [{ path: '/api', app: 'api', strip: true }, { app: 'site' }] },
    apps: { site: { run: 'server.js', env: { APP: 'site' } }, api: { run: 'server.js', env: { APP: 'api' } } },
  } });
  const app = await run();
  const socketPath = path.join(cwd, 'run/front.sock');
  await app.line(new RegExp(`^fettle: unix:${socketPath} → the routes$`, 'm'));
  const { json } = await ask({ socketPath }, '/api/users?id=1', { headers: { 'x-forwarded-prefix': '/forged' } });
  assert.deepEqual([json.app, json.url, json.prefix], ['api', '/users?id=1', '/api']);
  const site = (await ask({ socketPath }, '/', { headers: { 'x-forwarded-prefix': '/forged' } })).json;
  assert.deepEqual([site.app, site.prefix], ['site', undefined]);
  // What was killed leaves its socket behind, which the next one may have.
  app.kill('SIGKILL');
  await app.exit();
  await run();
  assert.equal((await ask({ socketPath })).json.app, 'site');
});

test("filter_env of pm2's file is read again at a reload", { skip }, async (t) => {
  const config = (more) => `module.exports = { apps: [${JSON.stringify({ name: 'shop', script: 'server.js', instances: 1, ...more })}] };`;
  const { write, fettle, run } = place(t, { 'ecosystem.config.js': config({}) });
  const port = await freePort();
  const app = await run('ecosystem.config.js', { env: { SECRET_WORD: 'open', PORT: String(port) } });
  assert.equal((await ask({ port })).json.env, 'open');
  write({ 'ecosystem.config.js': config({ filter_env: ['SECRET_'] }) });
  assert.match(fettle('reload').stdout, /^ {4}shop: its environment has changed$/m);
  assert.equal((await ask({ port })).json.env, undefined);
  write({ 'ecosystem.config.js': config({}) });
  assert.equal(fettle('reload').status, 0);
  assert.equal((await ask({ port })).json.env, 'open');
  await app.stop();
});
