// The route pattern that the agent tells the proxy of, for its metrics.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { NODES, ROOT, node, raw, script, supervisor, upstream } from './helpers/agent_run.mjs';

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
    const to = upstream(sup, unix);
    const answer = await raw(0, `${head ?? 'GET'} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, { socket: to.socket });
    assert.doesNotMatch(answer, /fettle/);
    found[target] = to.route(app.pid);
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
  test(`node ${major}: what an app calls a route by itself`, async (t) => {
    const sup = await supervisor(t);
    const app = node(t, file, [script(t, `
      require('http').createServer((req, res) => {
        const route = { path: '/h\\r\\nX-Evil: 1\u00fc' };
        if (req.url !== '/') req.route = route;
        if (req.url === '/undone') req.route = null;
        if (req.url === '/read' && (req.route !== route || 'route' in Object.keys(req))) throw new Error('not what was set');
        if (req.url === '/text') req.route = 'text';
        if (req.url === '/long') req.route = { path: 'x'.repeat(200) };
        if (req.url.startsWith('/many/')) req.route = { path: req.url };
        res.end();
      }).listen(0)`)], { sup });
    const { unix } = await sup.wait('listen');
    await sup.wait('ready');
    const ask = async (target) => {
      const to = upstream(sup, unix);
      const answer = await raw(0, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, { socket: to.socket });
      assert.match(answer, /^HTTP\/1.1 200 OK\r\nDate/);
      return to.route(app.pid);
    };
    assert.deepEqual(await Promise.all(['/', '/read', '/undone', '/text', '/long'].map(ask)),
      [null, '/h_X-Evil:_1_', null, null, 'x'.repeat(112)]);
    const many = upstream(sup, unix);
    const heads = Array.from({ length: 1100 }, (_, i) => `GET /many/${i} HTTP/1.1\r\nHost: a\r\n${i === 1099 ? 'Connection: close\r\n' : ''}\r\n`);
    await raw(0, heads.join(''), { socket: many.socket });
    assert.equal(many.route(app.pid), null, 'there is an end to what is kept');
    assert.equal(await ask('/many/7'), '/many/7');
    app.stop();
  });
}
