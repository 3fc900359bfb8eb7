// How an app is started, ended and started again, where a user says so: wait-ready, the shutdown
// message, kill-after, max-restarts and its kin, restart-at.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, startFettle } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';

function folder(t, files) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-policy-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(root, name), text);
  return root;
}

/** An app of these lines; `server` and `starts` (how many there were before) are at hand. */
const app = (lines) => `
  const fs = require('fs');
  const starts = fs.existsSync('starts') ? fs.readFileSync('starts', 'utf8').length : 0;
  fs.appendFileSync('starts', '.');
  const server = require('http').createServer((req, res) => res.end('served'));
  ${lines}`;
const startsOf = (cwd) => (fs.existsSync(path.join(cwd, 'starts')) ? fs.readFileSync(path.join(cwd, 'starts'), 'utf8').length : 0);

const run = (t, lines, args = [], more = {}) => {
  const cwd = folder(t, { 'app.js': app(lines), ...more.files });
  return startFettle({ t, cwd, target: 'app.js', ready: false, args: ['-w', '1', ...args], ...more }).then((started) => Object.assign(started, { cwd }));
};

const WHEN_TOLD = `
  let ready = false;
  server.on('request', (req) => ready || console.log('too early'));
  server.listen(process.env.PORT, () => console.log('listens'));
  setInterval(() => {
    if (ready || !fs.existsSync('go')) return;
    ready = true;
    process.send('ready');
  }, 10);`;

test("with wait-ready, a worker gets nothing before process.send('ready')", { skip }, async (t) => {
  const started = await run(t, WHEN_TOLD, ['--wait-ready']);
  await started.line(/listens/);
  const answer = started.get('/');
  await started.until(async () => (await started.admin('/readyz')).status === 503, { what: '/readyz says 503' });
  fs.writeFileSync(path.join(started.cwd, 'go'), '');
  assert.equal((await answer).text, 'served');
  await started.serving(1);
  assert.doesNotMatch(started.output, /too early/);
});

test('the old worker serves until the new one has said that it is ready', { skip }, async (t) => {
  const started = await run(t, WHEN_TOLD.replace("'go'", '`go${starts}`'), ['--wait-ready'], { files: { go0: '' } });
  const [{ pid }] = await started.serving(1);
  started.kill('SIGHUP');
  await started.until(() => started.lines.filter((line) => /listens/.test(line)).length === 2);
  assert.equal((await started.get('/')).text, 'served');
  assert.ok((await started.workers()).some((row) => row.pid === pid && row.state === 'ready'));
  fs.writeFileSync(path.join(started.cwd, 'go1'), '');
  await started.line(/has taken over from/);
  assert.doesNotMatch(started.output, /too early/);
});

test('a worker that never says it has failed', { skip }, async (t) => {
  const started = await run(t, 'server.listen(process.env.PORT);', ['--wait-ready', '--start-timeout', '300ms']);
  assert.equal((await started.exit()).code, 1);
  assert.match(started.output, /has not called process\.send\('ready'\) within 0\.3 s, and wait-ready is on/);
});

test('process.send is there only when it was asked for', { skip }, async (t) => {
  const tell = 'console.log(`send: ${typeof process.send}, ${process.env.NODE_CHANNEL_FD}`);';
  for (const [args, want] of [[[], 'undefined'], [['--wait-ready'], 'function'], [['--shutdown-message'], 'function']]) {
    const started = await run(t, `${tell} process.send?.('ready', () => process.exit(0));`, args);
    assert.equal((await started.exit()).code, 0);
    assert.match(started.output, new RegExp(`send: ${want}, undefined`));
  }
});

const TELLS_ITS_END = `
  server.listen(process.env.PORT);
  process.on('message', (m) => { console.log('got the message', m); if (process.env.LEAVES) process.exit(0); });
  process.on('SIGTERM', () => { console.log('got SIGTERM'); });`;

test('with shutdown-message, the message takes the place of SIGTERM', { skip }, async (t) => {
  const started = await run(t, TELLS_ITS_END, ['--shutdown-message'], { ready: true, env: { LEAVES: '1' } });
  assert.equal((await started.stop()).code, 0);
  assert.match(started.output, /got the message shutdown/);
  assert.doesNotMatch(started.output, /got SIGTERM/);
});

test('who does not leave is killed after the time for that, told either way', { skip }, async (t) => {
  for (const flag of ['--shutdown-message', '--no-shutdown-message']) {
    const started = await run(t, TELLS_ITS_END, [flag, '--kill-after', '200ms'], { ready: true });
    assert.equal((await started.stop({ timeout: 20000 })).code, 0);
    assert.match(started.output, flag === '--shutdown-message' ? /got the message/ : /got SIGTERM/);
  }
});

const FAILS_WHEN_READY = 'server.listen(process.env.PORT, () => setTimeout(() => process.exit(3), 50));';

test('a worker that fails too often in a row is given up, and with the last one the app', { skip }, async (t) => {
  const started = await run(t, FAILS_WHEN_READY, ['--max-restarts', '3', '--restart-backoff', '10ms']);
  assert.equal((await started.exit()).code, 1);
  assert.equal(startsOf(started.cwd), 4);
  assert.match(started.output, /worker 1 is given up: it has failed 4 times in a row \(exit code 3\), and max-restarts is 3/);
  assert.match(started.output, /no worker is left that would be started again/);
});

test('a good life begins the count anew, and without a limit there is none', { skip }, async (t) => {
  for (const args of [['--max-restarts', '2', '--min-uptime', '20ms'], []]) {
    const started = await run(t, FAILS_WHEN_READY, ['--restart-backoff', '10ms', ...args]);
    await started.until(() => startsOf(started.cwd) >= 6, { what: 'six starts' });
    assert.doesNotMatch(started.output, /given up/);
  }
});

test('max-restarts also holds before the app was ever ready', { skip }, async (t) => {
  const started = await run(t, 'process.exit(3);', ['--max-restarts', '5', '--restart-backoff', '5ms']);
  assert.equal((await started.exit()).code, 1);
  assert.equal(startsOf(started.cwd), 6);
});

test('without autorestart, an end is the end', { skip }, async (t) => {
  const failed = await run(t, FAILS_WHEN_READY, ['--no-autorestart']);
  assert.equal((await failed.exit()).code, 1);
  assert.match(failed.output, /has ended: exit code 3; it is not started again, as autorestart is off/);
  assert.equal(startsOf(failed.cwd), 1);
  const done = await run(t, FAILS_WHEN_READY.replace('3', '0'), ['--no-autorestart']);
  assert.equal((await done.exit()).code, 0);
  assert.match(done.output, /worker 1 has finished \(exit code 0\)/);
});

test('an exit code can mean that a worker has finished', { skip }, async (t) => {
  const started = await run(t, FAILS_WHEN_READY, ['--stop-exit-codes', '0,3']);
  assert.equal((await started.exit()).code, 0);
  assert.match(started.output, /worker 1 has finished \(exit code 3\)/);
  assert.equal(startsOf(started.cwd), 1);
});

test('a restart waits for as long as was said', { skip }, async (t) => {
  const started = await run(t, "fs.appendFileSync('times', `${Date.now()} `); process.exit(3);", ['--restart-delay', '300ms']);
  assert.equal((await started.exit()).code, 1);
  const times = fs.readFileSync(path.join(started.cwd, 'times'), 'utf8').trim().split(' ').map(Number);
  assert.equal(times.length, 3);
  assert.ok(times[1] - times[0] >= 290 && times[2] - times[1] >= 290, String(times));
});

test('restart-at reloads the workers by the clock', { skip }, async (t) => {
  const started = await run(t, 'server.listen(process.env.PORT);', ['--restart-at', '* * * * * *'], { ready: true });
  await started.line(/restart-at: it is time; the next is \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  await started.line(/worker 1: process \d+ has taken over from/);
  await started.line(/reloaded 1 worker/);
});

test('restart-at starts again what has finished', { skip }, async (t) => {
  const started = await run(t, "console.log('at work');", ['--restart-at', '*/1 * * * * *']);
  await started.line(/all workers have finished; they are started again at \d{4}-/);
  await started.until(() => startsOf(started.cwd) >= 3, { what: 'three runs' });
  assert.equal((await started.stop()).code, 0);
});

test('what cannot be is refused, with the place', { skip }, async (t) => {
  const cwd = folder(t, { 'app.js': '', 'fettle.json': '{\n  "run": "app.js",\n  "restart-at": "61 * * * *"\n}' });
  const fettle = (...args) => spawnSync(path.join(BUILD, 'fettle'), args, { cwd, encoding: 'utf8', timeout: 60000 });
  assert.match(fettle('run').stderr, /fettle\.json:3: restart-at: "61" is no minute; write \* or a number from 0 to 59/);
  assert.match(fettle('run', '--restart-at', 'noon').stderr, /--restart-at: "noon" is no time of cron's; write five fields/);
  assert.match(fettle('run', '--restart-at', 'off', '--stop-exit-codes', '0,x').stderr, /--stop-exit-codes: "0,x" is no list of exit codes/);
});

test("pm2's keys set the same", { skip }, async (t) => {
  const cwd = folder(t, {
    'app.js': '',
    'ecosystem.config.js': `module.exports = { apps: [{
      script: 'app.js', wait_ready: true, shutdown_with_message: true, cron_restart: '0 3 * * *', autorestart: false, stop_exit_codes: [0, 7],
      max_restarts: 5, restart_delay: 200, exp_backoff_restart_delay: 150, kill_timeout: 1500, listen_timeout: 90000,
    }] };`,
  });
  const done = spawnSync(path.join(BUILD, 'fettle'), ['config', 'show', '--json', 'ecosystem.config.js'], { cwd, encoding: 'utf8', timeout: 60000 });
  const { settings } = JSON.parse(done.stdout);
  const values = Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value]));
  for (const [name, want] of Object.entries({
    'wait-ready': 'on', 'shutdown-message': 'on', 'restart-at': '0 3 * * *', autorestart: 'off', 'stop-exit-codes': '0,7',
    'max-restarts': '5', 'min-uptime': '1s', 'restart-delay': '200ms', 'restart-backoff': '150ms', 'kill-after': '1500ms', 'start-timeout': '90s',
  })) assert.equal(values[name], want, name);
});
