// Healthy apps under full load give no finding, for FETTLE_SOAK seconds (12; ten minutes by hand): the shop with its
// visitors, and a Fastify app. Prove it by FETTLE_SOAK=600, which also takes the default of --leak-after.
// Nobody asks for the shop's report: it computes in the loop, as long as a block on a slow machine, and is there to be found.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { NODE, ROOT, fixture, sleep, startFettle } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';

const SECONDS = Number(process.env.FETTLE_SOAK ?? 12);
const RATE = Number(process.env.FETTLE_SOAK_RATE ?? 150);
const args = ['-w', '2', ...(SECONDS < 400 ? ['--leak-after', `${Math.max(1, Math.floor(SECONDS / 2))}s`] : [])];
const KINDS = 'front,product,image,search,cart add,cart view,checkout,orders,office,upload';
const ABOUT = /^handle-leak\//;
const options = { timeout: (SECONDS + 120) * 1000 };

/* What else shares the CPUs makes a loop late, so a blocked one counts only by hand, where nothing does. */
async function silent(t, app) {
  const { findings } = (await app.admin('/api/findings')).json();
  const page = (await app.admin('/metrics')).text;
  t.diagnostic(page.match(/^(fettle_worker_requests_total|nodejs_active_handles_total|process_open_fds)\{.*$/gm).join('; '));
  const wrong = findings.filter(({ kind }) => SECONDS >= 400 || ABOUT.test(kind));
  assert.deepEqual(wrong.map(({ kind, place, text }) => `${kind} ${place?.file}:${place?.line} ${text}`), []);
}

test(`the shop and its visitors, ${SECONDS} s`, options, async (t) => {
  const app = await startFettle({ t, target: path.join(ROOT, 'examples/shop'), args });
  await app.serving(2);
  const visitors = spawn(NODE, [path.join(ROOT, 'examples/shop/load.js'), '--url', app.url, '--rate', String(RATE), '--seconds', String(SECONDS), '--only', KINDS, '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => visitors.kill('SIGKILL'));
  let said = '';
  visitors.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  const code = await new Promise((done) => visitors.on('exit', done));
  assert.equal(code, 0, said);
  await silent(t, app);
});

test(`a Fastify app, ${SECONDS} s`, options, async (t) => {
  const app = await startFettle({ t, target: fixture('fastify/server.js'), args });
  await app.serving(2);
  const clients = ['/', '/who', '/stream'].map((at) => load({ port: app.port, path: at, clients: 8, pause: 5 }));
  await sleep(SECONDS * 1000);
  const results = await Promise.all(clients.map((one) => one.stop()));
  assert.deepEqual(results.flatMap(({ failures }) => failures), []);
  await silent(t, app);
});
