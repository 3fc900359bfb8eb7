// Every framework that fettle promises to run unchanged, with its real package from npm: GET and
// POST, the client's address, forwarding fields, streaming, and both workers at work.
// E2E_BARE=1 runs the same apps under plain node.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { BARE, MAJORS, NODE, ROOT, address, fixture, nodeOf, start, startFettle } from './helpers/fettle.mjs';
import { checkApp, checkForged, checkTrusted } from './helpers/app.mjs';
import { builtNext } from './helpers/next.mjs';

const apps = [
  { name: 'plain http, CommonJS', target: fixture('http-cjs/server.js') },
  { name: 'plain http, an ES module with top-level await, as a folder', target: fixture('http-esm') },
  { name: 'plain http, TypeScript by Node', target: fixture('http-ts/server.ts'), node: nodeOf(24) ?? NODE },
  { name: 'Express 4', target: fixture('express4/server.js') },
  { name: 'Express 5, as a folder', target: fixture('express5') },
  { name: 'Fastify', target: fixture('fastify/server.js') },
  { name: 'Koa', target: fixture('koa/server.js') },
  { name: 'NestJS', target: fixture('nest/main.mjs') },
  {
    name: 'Next.js by its npm script',
    target: 'npm:start',
    cwd: builtNext,
    env: { NEXT_TELEMETRY_DISABLED: '1', FIXTURE_ROOT: ROOT },
    paths: { who: '/api/who', echo: '/api/echo', stream: '/api/stream', socket: false },
  },
];

for (const { name, target, node, cwd, env, paths } of apps) {
  test(name, { timeout: 300000 }, async (t) => {
    const at = { target, node, cwd: await cwd?.(), env };

    await t.test('serves', async (t) => {
      const app = await start({ t, ...at });
      await checkApp(app, paths);
      if (BARE) return;
      assert.equal((await app.pids(2, paths?.who)).length, 2, 'both workers serve');
      await checkForged(app, paths);
      const { code, signal } = await app.stop();
      assert.deepEqual({ code, signal }, { code: 0, signal: null });
      assert.deepEqual(app.processes(), []);
    });

    await t.test('believes a trusted proxy', { skip: BARE && 'needs fettle' }, async (t) => {
      const app = await startFettle({ t, ...at, args: ['-w', '1', '--trust-proxy', '127.0.0.0/8'] });
      await checkTrusted(app, paths);
    });
  });
}

test('Express 5 by its npm script', async (t) => {
  const app = await start({ t, target: 'npm:start', cwd: fixture('express5') });
  await checkApp(app);
  if (!BARE) await app.pids(2);
});

test('an app that trusts one proxy before it gets the same from fettle', { skip: BARE && 'needs fettle' }, async (t) => {
  for (const target of ['express4/server.js', 'express5/server.js', 'fastify/server.js', 'koa/server.js', 'nest/main.mjs'])
    await t.test(target, async (t) => {
      const at = { target: fixture(target), env: { TRUST: '1' } };
      const direct = await startFettle({ t, ...at, args: ['-w', '1'] });
      await checkForged(direct);
      const seen = (await direct.get('/who', { localAddress: '127.0.0.2', headers: { 'x-forwarded-proto': 'https' } })).json();
      assert.equal(seen.protocol, 'http');
      assert.equal(address(seen.ip), '127.0.0.2');
      await direct.stop();
      const behind = await startFettle({ t, ...at, args: ['-w', '1', '--trust-proxy', '127.0.0.0/8'] });
      await checkTrusted(behind, { own: true });
    });
});

for (const major of MAJORS) {
  const node = nodeOf(major);
  const skip = !node && `Node ${major} is not installed: run scripts/nodes`;
  test(`Node ${major}`, { skip, timeout: 120000 }, async (t) => {
    for (const target of ['http-cjs/server.js', 'http-esm', 'express5/server.js'])
      await t.test(target, async (t) => {
        const app = await start({ t, target: fixture(target), node });
        const seen = await checkApp(app);
        assert.equal(seen.node.split('.')[0], `v${major}`);
        if (BARE) return;
        await app.pids(2);
        await checkForged(app);
        const rows = await app.serving(2);
        for (const row of rows) assert.equal(row.node_version, seen.node);
        assert.equal((await app.stop()).code, 0);
        assert.deepEqual(app.processes(), []);
      });
  });
}
