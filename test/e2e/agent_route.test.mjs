// The route pattern that the agent puts first into a response's head, for the proxy's metrics.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { NODES, ROOT, node, raw, script, supervisor } from './helpers/agent_run.mjs';

const APPS = {
  express4: (name) => EXPRESS(name),
  express: (name) => EXPRESS(name),
  fastify: () => `
    const app = require('fastify')();
    app.get('/users/:id', async (req, reply) => ({ id: req.params.id, seen: reply.getHeaders() }));
    app.register(async (child) => child.get('/list', async () => 'x'), { prefix: '/api' });
    app.listen({ port: 0 }).then(() => console.log(JSON.stringify(app.addresses())));`,
  koa: () => `
    const Koa = require('koa'), { Router } = require('@koa/router');
    const app = new Koa(), router = new Router(), inner = new Router({ prefix: '/api' });
    router.get('/users/:id', (ctx) => { ctx.body = JSON.stringify(ctx.response.headers); });
    inner.get('/list', (ctx) => { ctx.body = 'x'; });
    app.use(router.routes()).use(inner.routes()).listen(0);`,
};
const EXPRESS = (name) => `
  const express = require('${name}'), app = express(), api = express.Router(), user = express.Router({ mergeParams: true });
  app.get('/users/:id', (req, res) => res.json(res.getHeaders()));
  api.get('/list', (req, res) => res.send('x'));
  app.use('/api', api);
  user.get('/posts', (req, res) => res.send('x'));
  app.use('/accounts/:id', user);
  app.get(/^\\/re+g/, (req, res) => res.send('x'));
  app.get(['/one', '/two'], (req, res) => res.send('x'));
  app.get('/long' + 'x'.repeat(200), (req, res) => res.send('x'));
  app.get('/fails', () => { throw new Error('x'); });
  app.use((err, req, res, next) => res.status(500).end());
  app.listen(0);`;

async function routes(t, file, name, targets) {
  const sup = await supervisor(t);
  const text = `module.paths.push(${JSON.stringify(path.join(ROOT, 'node_modules'))});\n${APPS[name](name)}`;
  const app = node(t, file, ['--no-warnings', script(t, text)], { sup });
  const { unix } = await sup.wait('listen');
  await sup.wait('ready');
  const found = {};
  for (const [target, head] of Object.entries(targets)) {
    const answer = await raw(0, `${head ?? 'GET'} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nfettle-peer: 1.1.1.1 1 ::1 2\r\n\r\n`, { path: unix });
    const fields = answer.slice(0, answer.indexOf('\r\n\r\n')).split('\r\n');
    assert.ok(fields.slice(2).every((f) => !/^fettle/.test(f)), answer);
    found[target] = /^fettle-route: (.*)$/.exec(fields[1])?.[1] ?? null;
    assert.ok(!answer.slice(answer.indexOf('\r\n\r\n')).includes('fettle'), 'the app does not see it');
  }
  app.stop();
  return found;
}

for (const [major, file] of NODES) {
  for (const name of major >= 18 && major < 20 ? ['express4'] : ['express4', 'express'])
    test(`node ${major}: routes of ${name}`, async (t) => {
      assert.deepEqual(await routes(t, file, name, {
        '/users/42': null, '/api/list': null, '/accounts/17/posts': null, '/reeeg': null, '/one': 'HEAD', '/two': null,
        [`/long${'x'.repeat(200)}`]: null, '/fails': null, '/nothing': null,
      }), {
        '/users/42': '/users/:id', '/api/list': '/api/list', '/accounts/17/posts': '/accounts/:id/posts',
        '/reeeg': '/^\\/re+g/', '/one': '/one|/two', '/two': '/one|/two',
        [`/long${'x'.repeat(200)}`]: `/long${'x'.repeat(107)}`,
        '/fails': '/fails', '/nothing': null,
      });
    });
  if (major >= 20)
    test(`node ${major}: routes of fastify and of koa with its router`, async (t) => {
      const expected = { '/users/42': '/users/:id', '/api/list': '/api/list', '/nothing': null };
      const targets = Object.fromEntries(Object.keys(expected).map((k) => [k, null]));
      assert.deepEqual(await routes(t, file, 'fastify', targets), expected);
      assert.deepEqual(await routes(t, file, 'koa', targets), expected);
    });
  test(`node ${major}: a response without a route, and heads before the last, stay as they are`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, [script(t, `
      require('http').createServer((req, res) => {
        if (req.url === '/hints') { req.route = { path: '/h\\r\\nX-Evil: 1\u00fc' }; res.writeProcessing(); }
        res.end();
      }).listen(0)`)], { sup });
    const { unix } = await sup.wait('listen');
    await sup.wait('ready');
    const ask = (target) => raw(0, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nfettle-peer: 1.1.1.1 1 ::1 2\r\n\r\n`, { path: unix });
    assert.doesNotMatch(await ask('/'), /fettle/);
    const hints = await ask('/hints');
    assert.match(hints, /^HTTP\/1.1 102 Processing\r\n\r\nHTTP\/1.1 200 OK\r\nfettle-route: \/h_X-Evil:_1_\r\n/);
    app.stop();
  });
}
