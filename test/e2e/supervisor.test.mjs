// What fettle does when something dies, hangs, grows, is reloaded or told to end.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { BARE, alive, connectable, fixture, poll, raw, sleep, startFettle } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';

const skip = BARE && 'needs fettle';
const target = fixture('faulty/server.js');
const run = (t, args = [], more = {}) => startFettle({ t, target, args: ['-w', '2', ...args], ...more });
const pidsOf = async (app, count = 2) => (await app.serving(count)).map((row) => row.pid);

/** Waits until `count` workers serve and `pid` is none of them. */
const without = (app, pid, count = 2) =>
  app.until(
    async () => {
      const rows = (await app.workers()).filter((row) => row.state === 'ready');
      return rows.length === count && rows.every((row) => row.pid !== pid) && rows;
    },
    { what: `${count} workers without ${pid}` },
  );

test('a killed worker is replaced, and idempotent requests do not notice', { skip }, async (t) => {
  const app = await run(t);
  const clients = load({ port: app.port });
  for (let turn = 0; turn < 3; turn++) {
    const [pid] = await pidsOf(app);
    const before = clients.result.count;
    await app.until(() => clients.result.count > before + 20);
    process.kill(pid, 'SIGKILL');
    await without(app, pid);
  }
  const { count, failures } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.ok(count > 50);
  assert.match(app.output, /SIGKILL|signal 9/);
  const rows = await app.serving(2);
  assert.equal(rows.reduce((sum, row) => sum + row.restarts, 0), 3);
});

test('a request that may not be repeated gets a 502 at once', { skip }, async (t) => {
  const app = await run(t);
  const answer = await app.post('/exit', {});
  assert.equal(answer.status, 502);
  assert.ok(answer.ms < 10000);
  await app.serving(2);
  assert.equal((await app.get('/')).status, 200);
});

test('a response that broke off is not completed by anything else', { skip }, async (t) => {
  const app = await run(t);
  const { text, closed } = await raw(app.port, 'GET /half HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.ok(closed, 'the connection is closed');
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.equal(text.split('\r\n\r\n')[1], 'x'.repeat(500));
});

test('a request that kills every worker does not kill the app', { skip }, async (t) => {
  const app = await run(t);
  const answer = await app.get('/kill');
  assert.equal(answer.status, 502, 'it is not tried for ever');
  await app.serving(2);
  assert.equal((await app.get('/')).status, 200);
});

test('a crash loop is named, with the last lines', { skip }, async (t) => {
  await t.test('from the start: fettle gives up and says why', async (t) => {
    const app = await run(t, [], { env: { FAIL_AT_START: '1' }, ready: false });
    const { code } = await app.exit();
    assert.equal(code, 1);
    const own = app.lines.filter((line) => !/^\d+ \| /.test(line)).join('\n');
    assert.match(own, /configuration missing: on purpose/);
    assert.deepEqual(app.processes(), []);
  });

  await t.test('later: it is named, and the pauses grow', async (t) => {
    const app = await run(t, ['-w', '1']);
    for (let n = 0; n < 6; n++) {
      await app.until(async () => (await app.get('/crash', { timeout: 5000 })).status === 200);
      await app.until(async () => (await app.workers()).every((row) => row.restarts > n));
    }
    await app.line(/crash loop|keeps (crashing|failing|ending)|ended \d+ times|times in/i);
    const own = app.lines.filter((line) => !/^\d+ \| /.test(line)).join('\n');
    assert.match(own, /crash on purpose/);
    await app.until(async () => (await app.get('/')).status === 200);
  });
});

test('--max-memory: the new one serves before the old one drains', { skip }, async (t) => {
  const app = await run(t, ['--max-memory', '200M']);
  const clients = load({ port: app.port });
  const slow = app.get('/slow?n=3000');
  const { pid, rss } = (await app.get('/grow?n=250')).json();
  assert.ok(rss > 200 << 20);
  const rows = await without(app, pid);
  assert.ok(rows.every((row) => row.rss_bytes < 200 << 20));
  const { failures } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.equal((await slow).status, 200, 'what was under way was finished');
  await poll(() => !alive(pid));
  assert.match(app.output, /more than 200/);
  const least = Math.min(...(await app.serving(2)).map((row) => row.rss_bytes));
  assert.ok(least > 1 << 20);
});

test('--max-block: a loop that is blocked for ever is replaced, and its stack logged', { skip }, async (t) => {
  const app = await run(t, ['--max-block', '1s']);
  const clients = load({ port: app.port });
  const hung = app.get('/block?n=1000000000').then(
    (answer) => answer.status,
    (error) => error.code,
  );
  const [stuck] = await app.until(async () => {
    const rows = (await app.workers()).filter((row) => row.busy_ms > 300);
    return rows.length > 0 && rows;
  });
  await without(app, stuck.pid);
  await poll(() => !alive(stuck.pid));
  await app.line(/blockTheLoop/);
  assert.equal(await hung, 502, 'it is not given to the next worker, which it would block as well');
  // Requests that were read together with the one that blocks share its fate: nobody can know which
  // of them it was.
  const { failures } = await clients.stop();
  assert.ok(failures.length <= 8 && failures.every((text) => /502 .*blocked/.test(text)), failures.join('\n'));
});

test('a loop that is blocked for long is warned about and goes on', { skip }, async (t) => {
  const app = await run(t);
  const { pid } = (await app.get('/block?n=2500')).json();
  assert.ok(alive(pid));
  await app.line(/blockTheLoop/);
  assert.ok((await pidsOf(app)).includes(pid));
});

test('a loop that was blocked in native code is said who called it', { skip }, async (t) => {
  const app = await run(t);
  await app.get('/native?n=2500');
  await app.line(/in native code: /);
  await app.line(/was called from/);
  await app.line(/waitInNativeCode/);
});

test('SIGHUP reloads all workers with no failed request', { skip }, async (t) => {
  const app = await run(t);
  const clients = load({ port: app.port, clients: 16, pause: 1 });
  const slow = app.get('/slow?n=2000');
  let old = await pidsOf(app);
  for (let turn = 0; turn < 3; turn++) {
    app.kill('SIGHUP');
    await app.until(async () => {
      const now = await pidsOf(app);
      return now.every((pid) => !old.includes(pid));
    }, { what: 'two new workers' });
    await poll(() => old.every((pid) => !alive(pid)));
    old = await pidsOf(app);
  }
  const { failures, count } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.ok(count > 100);
  assert.equal((await slow).status, 200);
});

test('SIGHUP with an app that no longer starts keeps the old workers', { skip }, async (t) => {
  const { mkdtempSync, writeFileSync, rmSync } = await import('node:fs');
  const folder = mkdtempSync('/tmp/fettle-e2e-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = `${folder}/server.js`;
  writeFileSync(file, `require(${JSON.stringify(target)});\n`);
  const app = await run(t, [], { target: file });
  const old = await pidsOf(app);
  writeFileSync(file, 'throw new Error("broken release");\n');
  const clients = load({ port: app.port });
  app.kill('SIGHUP');
  await app.line(/broken release/);
  await sleep(1500);
  const { failures } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.ok(old.every(alive));
  writeFileSync(file, `require(${JSON.stringify(target)});\n`);
  app.kill('SIGHUP');
  await app.until(async () => (await pidsOf(app)).every((pid) => !old.includes(pid)), { what: 'two new workers' });
});

test('SIGTERM drains what is under way', { skip }, async (t) => {
  const app = await run(t);
  let finished = false;
  const slow = app.get('/slow?n=4000').finally(() => {
    finished = true;
  });
  await app.until(async () => (await app.workers()).some((row) => row.in_flight > 0));
  app.kill('SIGTERM');
  await poll(async () => !(await connectable(app.port)));
  assert.ok(!finished, 'new connections are refused while what is under way goes on');
  assert.equal((await slow).status, 200);
  assert.deepEqual(await app.exit(), { code: 0, signal: null });
  assert.deepEqual(app.processes(), []);
});

test('a worker that comes to listen after SIGTERM does not open the port again', { skip }, async (t) => {
  const { mkdtempSync, writeFileSync, rmSync } = await import('node:fs');
  const folder = mkdtempSync('/tmp/fettle-e2e-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const app = await run(t, [], { env: { LATE: `${folder}/listen` } });
  const slow = app.get('/slow?n=2000');
  await app.until(async () => (await app.workers()).some((row) => row.in_flight > 0));
  app.kill('SIGTERM');
  await poll(async () => !(await connectable(app.port)));
  const count = () => (app.output.match(/ready$/gm) ?? []).length;
  const ready = count();
  writeFileSync(`${folder}/listen`, '');
  await app.until(() => count() > ready, { what: 'the second worker' });
  assert.ok(!(await connectable(app.port)));
  assert.equal((await slow).status, 200);
  assert.deepEqual(await app.exit(), { code: 0, signal: null });
});

test('--drain limits how long that takes', { skip }, async (t) => {
  const app = await run(t, ['--drain', '500ms', '--kill-after', '500ms'], { env: { IGNORE_SIGTERM: '1' } });
  const slow = app.get('/slow?n=60000').then(
    (answer) => answer.status,
    (error) => error.code,
  );
  await app.until(async () => (await app.workers()).some((row) => row.in_flight > 0));
  const start = performance.now();
  app.kill('SIGTERM');
  assert.equal((await app.exit()).code, 0);
  assert.ok(performance.now() - start < 15000);
  assert.ok([502, 503, 'ECONNRESET'].includes(await slow), String(await slow));
  assert.deepEqual(app.processes(), []);
});

test('a second SIGTERM ends at once', { skip }, async (t) => {
  const app = await run(t, ['--drain', '60s']);
  const slow = app.get('/slow?n=60000').catch(() => {});
  await app.until(async () => (await app.workers()).some((row) => row.in_flight > 0));
  app.kill('SIGTERM');
  await app.line(/SIGTERM/);
  app.kill('SIGTERM');
  const { code } = await app.exit();
  assert.equal(code, 128 + 15);
  await slow;
  await poll(() => app.processes().length === 0);
});

test('SIGINT ends as SIGTERM does', { skip }, async (t) => {
  const app = await run(t);
  assert.deepEqual(await app.stop({ signal: 'SIGINT' }), { code: 0, signal: null });
});

// Ctrl-C in a terminal reaches the whole group; systemd's stop reaches every process of the unit.
for (const signal of ['SIGINT', 'SIGTERM'])
  test(`${signal} to all processes at once drains as well`, { skip }, async (t) => {
    const app = await run(t, [], { env: { IGNORE_SIGTERM: '1' } });
    const slow = app.get('/slow?n=2000');
    await app.until(async () => (await app.workers()).some((row) => row.in_flight > 0));
    if (signal === 'SIGINT') process.kill(-app.pid, signal);
    else for (const { pid } of app.processes()) process.kill(pid, signal);
    assert.equal((await slow).status, 200);
    assert.deepEqual(await app.exit(), { code: 0, signal: null });
    assert.deepEqual(app.processes(), []);
  });

test('a killed proxy is back, and the port was never refused', { skip }, async (t) => {
  const app = await run(t);
  let refused = 0;
  let connects = 0;
  let ended = false;
  const knocking = (async () => {
    while (!ended) {
      connects++;
      if (!(await connectable(app.port))) refused++;
      await sleep(2);
    }
  })();
  const workers = await pidsOf(app);
  for (let turn = 0; turn < 3; turn++) {
    const pid = app.helper('proxy');
    assert.ok(pid, 'there is a proxy');
    process.kill(pid, 'SIGKILL');
    const answer = await app.until(() => app.get('/', { timeout: 10000 }), { what: 'an answer by the next proxy' });
    assert.equal(answer.status, 200);
    await poll(() => app.helper('proxy') && app.helper('proxy') !== pid);
  }
  ended = true;
  await knocking;
  assert.equal(refused, 0, `of ${connects} connections`);
  assert.deepEqual(await pidsOf(app), workers, 'the workers did not notice');
});

test('a killed monitor is back, and traffic did not notice', { skip }, async (t) => {
  const app = await run(t);
  const clients = load({ port: app.port });
  const pid = app.helper('monitor');
  assert.ok(pid, 'there is a monitor');
  process.kill(pid, 'SIGKILL');
  await app.until(async () => (await app.admin('/healthz')).status === 200 && app.helper('monitor') !== pid);
  await app.serving(2);
  const { failures } = await clients.stop();
  assert.deepEqual(failures, []);
});

test('a killed supervisor leaves nothing behind, not even a blocked worker', { skip }, async (t) => {
  const app = await run(t, ['--max-block', 'off']);
  app.get('/block?n=1000000000').catch(() => {});
  await app.until(async () => (await app.workers()).some((row) => row.busy_ms > 200));
  const left = app.processes().map(({ pid }) => pid);
  assert.ok(left.length >= 5, `supervisor, proxy, monitor and two workers: ${left}`);
  app.kill('SIGKILL');
  await app.exit();
  await poll(() => left.every((pid) => !alive(pid))); // orphans have another parent at once: ask each
  assert.ok(!(await connectable(app.port)));
});

test('all output comes through, marked with the worker', { skip }, async (t) => {
  await t.test('as text', async (t) => {
    const app = await run(t);
    for (const id of [1, 2]) await app.until(() => app.stdout.includes(`${id} | ready`), { what: `a line of worker ${id}` });
  });
  await t.test('as JSON', async (t) => {
    const app = await run(t, ['--log', 'json']);
    await app.serving(2);
    await app.stop();
    for (const line of app.lines) assert.doesNotThrow(() => JSON.parse(line), line);
    const ready = app.stdout.map((line) => JSON.parse(line)).filter((line) => line.text === 'ready');
    assert.deepEqual(ready.map((line) => Number(line.worker)).sort(), [1, 2]);
  });
});

test('requests are logged, and slow ones warned about', { skip }, async (t) => {
  const app = await run(t, ['--access-log', '-', '--log', 'json', '--slow', '300ms']);
  await app.get('/slow?n=600');
  await app.get('/slow?n=1');
  const entry = (pattern) =>
    app.until(() => app.lines.map((line) => JSON.parse(line)).find((line) => pattern.test(JSON.stringify(line))), {
      what: `an entry like ${pattern}`,
    });
  const slow = await entry(/slow\?n=600/);
  assert.ok(JSON.stringify(slow).includes('200'));
  await entry(/slow\?n=1"/);
  await app.line(/slow\?n=600.*slow|slow.*slow\?n=600|"warn".*slow\?n=600/i);
  assert.ok(!app.lines.some((line) => /"level":"warn".*slow\?n=1"/.test(line)));
});

test('killed supervisors leave no processes, and their folders go with the next one', { skip }, async (t) => {
  const { mkdtempSync, readdirSync, rmSync } = await import('node:fs');
  const folder = mkdtempSync('/tmp/fettle-e2e-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (let n = 0; n < 3; n++) {
    const app = await run(t, ['--runtime-dir', folder]);
    app.kill('SIGKILL');
    await app.exit();
    await poll(() => app.processes().length === 0);
  }
  const last = await run(t, ['--runtime-dir', folder]);
  assert.equal((await last.stop()).code, 0);
  assert.deepEqual(readdirSync(folder), [], 'the next one cleans up after a killed one');
});
