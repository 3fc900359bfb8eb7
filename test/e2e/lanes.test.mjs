// Kinds of requests that block are found out, and kept to part of the workers.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { BARE, fixture, startFettle } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';
const target = fixture('http-cjs/server.js');

const kind = (now, text) => now.kinds.find((row) => row.kind === text);
const lanes = async (app) => (await app.admin('/api/lanes')).json();

/** Fast and blocking requests until fettle has seen enough to make lanes. */
async function taught(t, ...args) {
  const app = await startFettle({ t, target, args });
  await app.serving(Number(args[args.indexOf('-w') + 1]));
  await app.until(async () => {
    const fast = Array.from({ length: 20 }, () => app.get('/who'));
    await Promise.all([...fast, app.get('/spin?ms=60')]);
    const now = await lanes(app);
    return now.active && kind(now, 'GET /spin').observations > 3;
  }, { what: 'lanes' });
  return app;
}

test('what blocks is slow, what does not is fast, and some workers are kept', { skip }, async (t) => {
  const app = await taught(t, '-w', '3');
  const now = await lanes(app);
  assert.equal(kind(now, 'GET /spin').lane, 'slow');
  assert.ok(kind(now, 'GET /spin').blocks_ms > now.slow_from_ms);
  assert.equal(kind(now, 'GET /who').lane, 'fast');
  assert.ok(now.workers_kept >= 1 && now.workers_kept <= 2);
  assert.equal(now.workers.length, 3);
  assert.ok(now.workers.some((row) => row.takes === 'fast'));
  assert.ok(now.workers.some((row) => row.takes === 'slow and fast'));
});

test('blocking requests leave the kept workers alone, and are all answered', { skip }, async (t) => {
  const app = await taught(t, '-w', '3');
  const before = await lanes(app);
  const answers = await Promise.all(Array.from({ length: 8 }, () => app.get('/spin?ms=60')));
  const after = await lanes(app);
  for (const answer of answers) assert.equal(answer.status, 200);
  assert.ok(after.requests_slow - before.requests_slow <= 8);
  // A slow machine may have made some of them wait so long that they went anywhere, or a new plan.
  if (after.requests_aged !== before.requests_aged || after.changes !== before.changes) return;
  const kept = before.workers.filter((row) => row.takes === 'fast').map((row) => row.pid);
  for (const answer of answers) assert.ok(!kept.includes(answer.json().pid));
  assert.equal(after.requests_slow - before.requests_slow, 8);
});

test('what was learned outlives a reload and a proxy that is killed', { skip }, async (t) => {
  const app = await taught(t, '-w', '2');
  const before = kind(await lanes(app), 'GET /spin').observations;
  const old = new Set((await app.workers()).map((row) => row.pid));
  app.kill('SIGHUP');
  await app.until(async () => (await app.workers()).every((row) => !old.has(row.pid)), { what: 'new workers' });
  assert.ok(kind(await lanes(app), 'GET /spin').observations >= before);
  const { proxy } = (await app.admin('/api/app')).json();
  process.kill(proxy.pid, 'SIGKILL');
  await app.until(async () => (await app.admin('/api/app')).json().proxy.pid !== proxy.pid, { what: 'another proxy' });
  await app.get('/who');
  assert.ok(kind(await lanes(app), 'GET /spin').observations >= before);
});

test('one worker has no lanes', { skip }, async (t) => {
  const app = await startFettle({ t, target, args: ['-w', '1'] });
  await app.serving(1);
  for (let n = 0; n < 8; n++) await Promise.all([app.get('/spin?ms=60'), app.get('/who'), app.get('/who'), app.get('/who')]);
  const now = await lanes(app);
  assert.equal(now.active, false);
  assert.equal(now.workers[0].takes, 'all');
  assert.ok(kind(now, 'GET /spin').blocks_ms > 20);
});
