// A random worker is killed every second, under load, for FETTLE_SOAK seconds (60): idempotent
// requests all succeed, nothing is left behind, and fettle's own memory stays where it was.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { BARE, BUILD, fixture, poll, rssOf, sleep, startFettle } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';

const SECONDS = Number(process.env.FETTLE_SOAK ?? 60);

test(`workers are killed every second for ${SECONDS} s`, { skip: BARE && 'needs fettle', timeout: (SECONDS + 180) * 1000 }, async (t) => {
  const app = await startFettle({ t, target: fixture('faulty/server.js'), args: ['-w', '4'] });
  await app.serving(4);
  const clients = [
    load({ port: app.port, clients: 12, pause: 2 }),
    load({ port: app.port, clients: 8, pause: 2, path: '/slow?n=30' }),
  ];
  const own = { proxy: app.helper('proxy'), monitor: app.helper('monitor'), supervisor: app.pid };
  await sleep(Math.min(5000, SECONDS * 100));
  const before = Object.fromEntries(Object.entries(own).map(([name, pid]) => [name, rssOf(pid)]));

  const end = performance.now() + SECONDS * 1000;
  let kills = 0;
  while (performance.now() < end) {
    const ready = (await app.workers()).filter((row) => row.state === 'ready');
    // One that is just coming up is left alone only when it is the last: that would be an outage.
    if (ready.length > 1) {
      const { pid } = ready[Math.floor(Math.random() * ready.length)];
      try {
        process.kill(pid, 'SIGKILL');
        kills++;
      } catch {
        // It ended between the look and the blow.
      }
    }
    await sleep(1000);
  }
  await app.serving(4);
  const results = await Promise.all(clients.map((one) => one.stop()));

  const count = results.reduce((sum, result) => sum + result.count, 0);
  t.diagnostic(`${count} requests, ${kills} workers killed, slowest ${Math.max(...results.map((r) => Math.round(r.slowest_ms)))} ms`);
  assert.deepEqual(results.flatMap((result) => result.failures), []);
  assert.ok(count > SECONDS * 20, `only ${count} requests in ${SECONDS} s`);
  assert.ok(kills >= SECONDS / 4, `only ${kills} kills`);

  for (const [name, pid] of Object.entries(own)) {
    const grown = rssOf(pid) - before[name];
    t.diagnostic(`${name}: ${(rssOf(pid) / 1048576).toFixed(1)} MiB, ${(grown / 1048576).toFixed(1)} more than before`);
    // The address sanitizer keeps what is freed.
    if (!BUILD.includes('asan')) assert.ok(grown < 24 << 20, `${name} (the same process throughout) grew by ${grown} bytes`);
  }
  const rows = await app.serving(4);
  for (const row of rows) assert.equal(row.in_flight, 0, 'nothing is counted as under way that is not');
  assert.equal((await app.stop()).code, 0);
  await poll(() => app.processes().length === 0);
});
