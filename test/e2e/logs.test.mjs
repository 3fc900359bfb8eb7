// Log files: no line is lost or torn, whatever happens to the files; and `fettle logs`.

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { BARE, BUILD, poll, startFettle } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';

const skip = BARE && 'needs fettle';
const FETTLE = path.join(BUILD, 'fettle');

// GET /write?n=: as many numbered lines. They count on from the last request of the worker.
const APP = `
let next = 0;
require('http').createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url, 'http://x');
  const n = Number(searchParams.get('n'));
  const out = pathname === '/errors' ? console.error : console.log;
  for (let i = 0; i < n; i++, next++) out('line ' + next + ' ' + 'x'.repeat(next % 90) + ' end');
  if (pathname === '/say') console.log(searchParams.get('text'));
  res.end(String(next));
}).listen(process.env.PORT);
`;

// Removed when the apps have ended: a running one makes its log file again.
const folders = [];
after(() => folders.forEach((dir) => fs.rmSync(dir, { recursive: true, force: true })));

function folder() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-logs-'));
  folders.push(dir);
  fs.writeFileSync(path.join(dir, 'app.js'), APP);
  return dir;
}

const run = (t, dir, args = [], more = {}) =>
  startFettle({ t, target: 'app.js', cwd: dir, args: ['-w', '1', '--log-file', 'logs/app.log', ...args], ...more });

const read = (file) => {
  const bytes = fs.readFileSync(file);
  return (file.endsWith('.gz') ? zlib.gunzipSync(bytes) : bytes).toString();
};

/** app.log's old files in order, then itself; a file that is there plain and compressed counts once. */
function filesOf(dir, name = 'app.log') {
  const names = fs.existsSync(dir) ? fs.readdirSync(dir).filter((file) => file.startsWith(`${name}.`)) : [];
  const old = names.filter((file) => !file.endsWith('.part'))
    .filter((file) => !(file.endsWith('.gz') && names.includes(file.slice(0, -3)))).sort();
  return [...old, ...(fs.existsSync(path.join(dir, name)) ? [name] : [])].map((file) => path.join(dir, file));
}

/** The numbers of all whole "line N xxx end"; throws for one that is torn. */
function numbersOf(text) {
  return text.split('\n').filter((line) => / [|!] line /.test(line)).map((line) => {
    const found = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z app\/(\d+) [|!] line (\d+) (x*) end$/.exec(line);
    assert.ok(found, `torn: ${line}`);
    assert.equal(found[3].length, Number(found[2]) % 90, `torn: ${line}`);
    return Number(found[2]);
  });
}

/** All numbers from `from` to before `to`, in order; says where they are not. */
function counts(numbers, from, to) {
  const gap = numbers.findIndex((number, i) => number !== from + i);
  assert.equal(gap, -1, `${numbers[gap - 1]} is followed by ${numbers[gap]}`);
  assert.equal(numbers.length, to - from);
}

const allOf = (dir) => filesOf(dir).map(read).join('');
const fettle = (args, dir) => spawnSync(FETTLE, args, { cwd: dir, encoding: 'utf8', maxBuffer: 1 << 28 });

test('rotation under load loses and tears no line, compressed or not', { skip }, async (t) => {
  const dir = folder();
  const logs = path.join(dir, 'logs');
  const app = await run(t, dir, ['--log-rotate-size', '300K', '--log-keep', 'all', '--access-log', 'logs/access.log']);
  const clients = load({ port: app.port });
  for (let i = 0; i < 10; i++) assert.equal((await app.get('/write?n=2000')).status, 200);
  const { count, failures } = await clients.stop();
  assert.deepEqual(failures, []);
  await app.until(() => allOf(logs).includes('line 19999 '));
  await app.until(() => filesOf(logs).slice(0, -1).every((file) => file.endsWith('.gz')), { what: 'all are compressed' });
  assert.ok(filesOf(logs).length >= 6, `${filesOf(logs)}`);
  counts(numbersOf(allOf(logs)), 0, 20000);
  await t.test('fettle logs gives them all, in order', () => {
    const got = fettle(['logs', '--file', 'logs/app.log', '-n', 'all'], dir);
    assert.equal(got.status, 0, got.stderr);
    counts(numbersOf(got.stdout), 0, 20000);
    const since = got.stdout.split('\n').find((line) => line.includes(' line 12345 ')).slice(0, 24);
    const later = numbersOf(fettle(['logs', '--file', 'logs/app.log', '--since', since], dir).stdout);
    const meant = got.stdout.split('\n').filter((line) => line.slice(0, 24) >= since).join('\n');
    assert.deepEqual(later, numbersOf(meant), 'those of that millisecond and after it, and no others');
    counts(later, 20000 - later.length, 20000);
  });
  await t.test('each request has its line in the access log', async () => {
    const lines = () => filesOf(logs, 'access.log').map(read).join('').split('\n').filter(Boolean);
    await app.until(() => lines().length >= count + 10);
    for (const line of lines()) assert.match(line, /^\d{4}-\S+Z \S+ "(GET|POST|HEAD) \S+ HTTP\/1\.1" \d{3} .* id=\S+( route=.*)?$/);
  });
});

test('--log-keep deletes the oldest', { skip }, async (t) => {
  const dir = folder();
  const logs = path.join(dir, 'logs');
  const app = await run(t, dir, ['--log-rotate-size', '50K', '--log-keep', '3', '--no-log-compress']);
  for (let i = 0; i < 5; i++) await app.get('/write?n=2000');
  await app.until(() => allOf(logs).includes('line 9999 '));
  await app.until(() => filesOf(logs).length === 4, { what: 'three old files and the present one' });
  const numbers = numbersOf(allOf(logs));
  counts(numbers, 10000 - numbers.length, 10000);
  assert.ok(numbers.length > 1000);
});

test('files that others move are made again, also at SIGUSR2', { skip }, async (t) => {
  const dir = folder();
  const file = path.join(dir, 'logs/app.log');
  const access = path.join(dir, 'logs/access.log');
  const app = await run(t, dir, ['--access-log', 'logs/access.log']);
  await app.get('/write?n=10');
  await app.until(() => read(file).includes('line 9 ') && read(access).includes('/write?n=10'));
  fs.renameSync(file, `${file}.1`);
  fs.renameSync(access, `${access}.1`);
  app.kill('SIGUSR2');
  await app.until(() => fs.existsSync(file) && fs.existsSync(access));
  await app.get('/write?n=10');
  await app.until(() => read(file).includes('line 19 ') && read(access).includes('/write?n=10'));
  counts(numbersOf(read(`${file}.1`) + read(file)), 0, 20);
  fs.rmSync(path.join(dir, 'logs'), { recursive: true }); // without a word
  await app.until(() => fs.existsSync(file) && fs.existsSync(access), { what: 'the folder and its files again' });
  await app.get('/write?n=10');
  await app.until(() => read(file).includes('line 29 '));
  fs.truncateSync(file); // copytruncate
  await app.get('/write?n=10');
  await app.until(() => read(file).includes('line 39 '));
  counts(numbersOf(read(file)), 30, 40);
});

test('a disk that is full costs logs, not requests, and is told of', { skip }, async (t) => {
  const dir = folder();
  const app = await startFettle({
    t, target: 'app.js', cwd: dir, args: ['-w', '1', '--log-file', '/dev/full', '--access-log', '/dev/full'],
  });
  const clients = load({ port: app.port });
  for (let i = 0; i < 30; i++) assert.equal((await app.get('/write?n=3000')).status, 200);
  const { failures } = await clients.stop();
  assert.deepEqual(failures, []);
  await app.line(/warning: the log \/dev\/full cannot be written.*: No space left on device/);
  const { code } = await app.stop();
  assert.equal(code, 0);
});

test('a folder that cannot be made keeps the lines until it can', { skip }, async (t) => {
  const dir = folder();
  fs.writeFileSync(path.join(dir, 'logs'), 'not a folder');
  const app = await run(t, dir);
  await app.line(/log file \S*logs\/app.log cannot be opened: Not a directory/);
  assert.equal((await app.get('/write?n=100')).status, 200);
  fs.rmSync(path.join(dir, 'logs'));
  await app.until(() => allOf(path.join(dir, 'logs')).includes('line 99 '));
  counts(numbersOf(allOf(path.join(dir, 'logs'))), 0, 100);
});

test('after kill -9 of the supervisor all files can be read, and the next one goes on', { skip }, async (t) => {
  const dir = folder();
  const logs = path.join(dir, 'logs');
  const args = ['--log-rotate-size', '100K', '--log-keep', 'all'];
  const first = await run(t, dir, args);
  const writing = first.get('/write?n=50000').catch(() => {});
  await first.until(() => filesOf(logs).length > 5);
  first.kill('SIGKILL');
  await writing;
  await first.exit();
  first.killAll();
  await poll(() => first.processes().length === 0);
  const numbers = numbersOf(allOf(logs).replace(/\n[^\n]*$/, '\n'));
  counts(numbers, 0, numbers.length);
  assert.ok(numbers.length > 2000);
  const second = await run(t, dir, args);
  await second.get('/say?text=hello');
  await second.until(() => / app\/1 \| hello\n/.test(allOf(logs)));
  await second.until(() => filesOf(logs).slice(0, -1).every((file) => file.endsWith('.gz')), { what: 'what was left is compressed' });
  assert.ok(fs.readdirSync(logs).every((name) => !name.endsWith('.part')));
});

test('fettle logs', { skip }, async (t) => {
  const dir = folder();
  fs.writeFileSync(path.join(dir, 'fettle.json'), JSON.stringify({
    run: 'app.js', name: 'shop', workers: 2, 'log-file': 'logs/out.log', 'error-file': 'logs/err.log', 'log-rotate-size': '20K',
  }));
  const app = await startFettle({ t, target: '.', cwd: dir });
  const logs = (...args) => fettle(['logs', ...args], dir);
  await app.until(async () => { // each worker has said something
    await app.get('/say?text=both');
    return ['shop/1', 'shop/2'].every((worker) => / both$/m.test(logs(worker).stdout));
  });
  // A line's time is when fettle has read it, and these come through several pipes.
  for (const [path, shown] of [['/say?text=first', ' | first'], ['/errors?n=3', ' ! line 2 '], ['/say?text=last', ' | last']]) {
    await app.get(path);
    await app.until(() => logs().stdout.includes(shown));
  }

  await t.test('joins the files in the order of time', () => {
    const { stdout } = logs();
    assert.match(stdout, /Z shop\/\d \| first\n(?:.*\n)*.*Z shop\/\d ! line 0  end\n(?:.*\n)*.*Z shop\/\d \| last\n/);
    assert.match(stdout, /Z fettle: 2 workers ready/);
    const times = stdout.trim().split('\n').map((line) => line.slice(0, 24));
    assert.deepEqual(times, [...times].sort());
  });
  await t.test('by worker, by pattern, errors only, the last ones', () => {
    assert.ok(logs('shop/1').stdout.trim().split('\n').every((line) => / shop\/1 /.test(line)));
    assert.equal(logs('--errors', '--grep', 'line [12] ').stdout.match(/ ! line/g).length, 2);
    assert.equal(logs('--errors').stdout.includes(' | '), false);
    assert.equal(logs('-n', '1', '--grep', 'last').stdout.trim().split('\n').length, 1);
    assert.equal(logs('--since', '1h', 'nosuch').stdout.includes('shop/'), false);
    assert.equal(logs('--since', '2200-01-01').stdout, '');
  });
  await t.test('as JSON', () => {
    const lines = logs('--json').stdout.trim().split('\n').map((line) => JSON.parse(line));
    const first = lines.find(({ text }) => text === 'first');
    assert.deepEqual(Object.keys(first), ['time', 'app', 'worker', 'stream', 'text']);
    assert.equal(first.app, 'shop');
    assert.ok(lines.some(({ stream }) => stream === 'stderr'));
  });
  await t.test('follows over rotations', async (t) => {
    const child = spawn(FETTLE, ['logs', '-f', '-n', '1', '--grep', 'line'], { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
    await poll(() => text.includes('line 2 '));
    const [one, two] = [0, 0].map(() => []);
    for (let i = 0; i < 10; i++) {
      await app.get('/write?n=200');
      const count = () => (text.match(/ \| line /g) ?? []).length;
      await app.until(() => count() === (i + 1) * 200).catch((error) => {
        throw new Error(`${count()} lines after ${i + 1} times 200, of ${fs.readdirSync(path.join(dir, 'logs'))}; ${error.message}`);
      });
    }
    for (const line of text.split('\n').filter((part) => part.includes(' | line ')))
      (line.includes('shop/1') ? one : two).push(Number(/line (\d+)/.exec(line)[1]));
    for (const numbers of [one, two]) counts(numbers, numbers[0] ?? 0, (numbers[0] ?? 0) + numbers.length);
    assert.ok(fs.readdirSync(path.join(dir, 'logs')).some((name) => /^out\.log\.2/.test(name)), 'it was rotated');
  });
});

test('JSON lines: app, worker, pid; the text form shows them as text', { skip }, async (t) => {
  const dir = folder();
  const app = await run(t, dir, ['--log', 'json', '--access-log', 'logs/access.log']);
  await app.get('/say?text=%22hi%22%20%C3%BC');
  await app.get(`/say?text=${encodeURIComponent('{"level":30,"msg":"from pino"}')}`);
  const lines = () => read(path.join(dir, 'logs/app.log')).trim().split('\n').map((line) => JSON.parse(line));
  await app.until(() => lines().some(({ json }) => json));
  const said = lines().find(({ text }) => text === '"hi" ü');
  assert.equal(said.app, 'app');
  assert.equal(said.worker, 1);
  assert.equal(said.stream, 'stdout');
  assert.ok(said.pid > 1);
  assert.deepEqual(lines().find(({ json }) => json).json, { level: 30, msg: 'from pino' });
  await app.get('/say?text=traced', { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } });
  const requests = () => read(path.join(dir, 'logs/access.log')).trim().split('\n').map((line) => JSON.parse(line));
  await app.until(() => requests().length === 3);
  assert.deepEqual(requests().map(({ trace_id }) => trace_id), [undefined, undefined, '0af7651916cd43dd8448eb211c80319c']);
  assert.ok(requests().every(({ request_id, source }) => /^[0-9a-f]{32}$/.test(request_id) && source === 'access'));
  const { stdout } = fettle(['logs', '--file', 'logs/app.log'], dir);
  assert.match(stdout, /^\S+Z app\/1 \| "hi" ü$/m);
  assert.match(stdout, /^\S+Z app\/1 \| \{"level":30,"msg":"from pino"\}$/m);
  assert.match(stdout, /^\S+Z fettle: 1 worker ready in/m);
});

test('the files of apps that run are found from anywhere', { skip }, async (t) => {
  const dir = folder();
  const elsewhere = folder();
  const runtime = path.join(dir, 'run');
  fs.mkdirSync(runtime, { mode: 0o700 });
  const app = await run(t, dir, ['--runtime-dir', runtime, '--access-log', path.join(dir, 'logs/access.log'), '--name', 'shop']);
  await app.get('/say?text=hello');
  const logs = (...args) => fettle(['logs', '--runtime-dir', runtime, ...args], elsewhere).stdout;
  await app.until(() => logs('shop').includes('shop/1 | hello'));
  await app.until(() => logs('--access', 'shop').includes('"GET /say?text=hello HTTP/1.1" 200'));
  assert.match(fettle(['logs', '--runtime-dir', runtime, 'nosuch'], elsewhere).stderr, /no app nosuch runs/);
});

test('the time of lines in a form of one\'s own, and a pid file, as an ecosystem file of pm2\'s has them', { skip }, async (t) => {
  const dir = folder();
  fs.mkdirSync(path.join(dir, 'run'), { mode: 0o700 });
  fs.writeFileSync(path.join(dir, 'ecosystem.config.js'), `module.exports = { apps: [{
    name: 'shop', script: 'app.js', out_file: 'logs/out.log', error_file: 'logs/err.log', log_date_format: 'YYYY-MM-DD HH:mm:ss.SSS Z', pid_file: 'shop.pid',
  }] };`);
  const pidFile = () => Number(read(path.join(dir, 'shop.pid')));
  const app = await startFettle({ t, target: 'ecosystem.config.js', cwd: dir, env: { TZ: 'Asia/Kolkata', FETTLE_RUNTIME_DIR: path.join(dir, 'run') } });
  assert.equal(pidFile(), app.pid);
  await app.get('/say?text=hello');
  await app.get('/errors?n=1');
  const out = () => read(path.join(dir, 'logs/out.log'));
  await app.until(() => out().includes('hello') && read(path.join(dir, 'logs/err.log')).includes('line 0'));
  assert.match(out(), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+05:30 shop\/1 \| hello$/m);
  assert.match(out(), /^\S+ \S+ \+05:30 fettle: 1 worker ready in/m);
  const logs = (...args) => fettle(['logs', '--config', 'ecosystem.config.js', ...args], dir).stdout;
  assert.match(logs(), / shop\/1 \| hello\n\S+ \S+ \S+ shop\/1 ! line 0 /);
  assert.match(logs('--since', '1h'), /hello/);
  assert.equal(logs('--since', '2200-01-01'), '');
  assert.equal(JSON.parse(logs('--json', '--grep', 'hello')).app, 'shop');
  const upgraded = spawnSync(FETTLE, ['upgrade', '--json', '--runtime-dir', path.join(dir, 'run')], { encoding: 'utf8' });
  assert.equal(pidFile(), JSON.parse(upgraded.stdout).pid);
  assert.equal((await app.stop()).code, 0);
  assert.equal(fs.existsSync(path.join(dir, 'shop.pid')), false);
});

test('an app without a log file: its newest lines are in memory', { skip }, async (t) => {
  const dir = folder();
  const elsewhere = folder();
  const runtime = path.join(dir, 'run');
  fs.mkdirSync(runtime, { mode: 0o700 });
  const app = await startFettle({ t, target: 'app.js', cwd: dir, args: ['-w', '1', '--name', 'shop', '--runtime-dir', runtime] });
  const logs = (...args) => fettle(['logs', '--runtime-dir', runtime, ...args], elsewhere).stdout;
  await app.get('/say?text=hello');
  await app.get('/errors?n=2');
  await app.until(() => logs().includes('line 1 '));
  assert.match(logs(), /^\S+Z fettle: 1 worker ready in .*\n(?:.*\n)*\S+Z shop\/1 \| hello\n\S+Z shop\/1 ! line 0 /m);
  assert.doesNotMatch(logs(), /\n\n/);
  assert.deepEqual(logs('--errors', '--json', '--grep', 'line').trim().split('\n').map((line) => JSON.parse(line).stream), ['stderr', 'stderr']);
  assert.equal(logs('shop/2').includes('shop/1'), false);
  assert.equal(logs('-n', '1').trim().split('\n').length, 1);

  await t.test('no more than so many bytes are kept, and the newest lines are whole', async () => {
    await app.get('/write?n=20000');
    await app.until(() => logs('-n', '1').includes(' line 20001 '));
    const numbers = logs('-n', 'all').split('\n').filter((line) => line.includes(' | line ')).map((line) => Number(/line (\d+)/.exec(line)[1]));
    assert.ok(numbers.length > 1000 && numbers.length < 20000, `${numbers.length} lines`);
    counts(numbers, numbers[0], 20002);
  });
  await t.test('-f follows, also to the fettle that takes over, to the end', async (t) => {
    const child = spawn(FETTLE, ['logs', '-f', '-n', '1', '--runtime-dir', runtime, 'shop'], { cwd: elsewhere, stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    const over = new Promise((done) => child.once('exit', done));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
    await poll(() => text.includes('line 20001'));
    await app.get('/say?text=more');
    await poll(() => text.includes('| more'));
    assert.equal(fettle(['upgrade', '--runtime-dir', runtime], elsewhere).status, 0);
    // The one before may still have accepted the first of these.
    await poll(async () => (await app.get('/say?text=from%20the%20new%20one')) && text.includes('| from the new one'));
    assert.equal((await app.stop()).code, 0);
    assert.equal(await over, 0);
  });
});

test('mistakes say what would be right', { skip }, () => {
  const dir = folder();
  fs.writeFileSync(path.join(dir, 'fettle.json'), '{ "run": "app.js" }');
  const wrong = (args, pattern, status = 2) => {
    const got = fettle(['logs', ...args], dir);
    assert.match(got.stderr, pattern);
    assert.equal(got.status, status);
  };
  wrong(['--config', 'fettle.json'], /no app runs, and the settings in this folder name no log-file; name a file/, 3);
  wrong(['--file', 'nowhere.log'], /there is no log file yet: nowhere\.log/, 3);
  wrong(['--since', 'yesterday'], /--since: "yesterday" is no time; write how long ago/);
  wrong(['shop/x'], /what follows the \/ is the number of a worker/);
  wrong(['--grep', '(', '--file', 'app.js'], /--grep: "\(" is no regular expression/);
});
