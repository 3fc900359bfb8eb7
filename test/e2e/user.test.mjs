// --uid and --gid: workers run as somebody else, fettle stays; and how a worker knows its number.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, NODE, startFettle } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';

const skip = BARE && 'needs fettle';
const asRoot = skip || (process.getuid() !== 0 && 'needs root');

const TELLING = `
  require('http').createServer((req, res) => res.end(JSON.stringify({
    uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(), env: process.env,
  }))).listen(process.env.PORT);`;

function folder(t, files) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-user-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(root, name), text);
  fs.chmodSync(root, 0o755);
  return root;
}

const idOf = (...args) => execFileSync('id', args, { encoding: 'utf8' }).trim();
const statusOf = (pid) => fs.readFileSync(`/proc/${pid}/status`, 'utf8');

/** A user of this machine who is not root, and in as many groups as there are. */
function somebody() {
  const names = fs.readFileSync('/etc/passwd', 'utf8').trim().split('\n').map((line) => line.split(':')[0]).filter((name) => name !== 'root');
  return names.sort((a, b) => idOf('-G', b).split(' ').length - idOf('-G', a).split(' ').length)[0];
}

test('the workers run as the user, with his groups and his home, and fettle stays root', { skip: asRoot }, async (t) => {
  const user = somebody();
  const cwd = folder(t, { 'server.js': TELLING });
  const app = await startFettle({ t, cwd, target: 'server.js', args: ['-w', '2', '--uid', user] });
  const seen = (await app.get('/')).json();
  assert.equal(seen.uid, Number(idOf('-u', user)));
  assert.equal(seen.gid, Number(idOf('-g', user)));
  assert.deepEqual(seen.groups.sort((a, b) => a - b), idOf('-G', user).split(' ').map(Number).sort((a, b) => a - b));
  assert.equal(seen.env.USER, user);
  assert.notEqual(seen.env.HOME, '/root');
  assert.match(statusOf(app.pid), /^Uid:\t0\t0\t0\t0$/m);
  assert.match(statusOf(app.helper('proxy')), /^Uid:\t0\t/m);
});

test('reloads, crashes and the end are as ever; what was made for the user is gone after it', { skip: asRoot }, async (t) => {
  const cwd = folder(t, { 'server.js': TELLING });
  const base = fs.mkdtempSync('/tmp/fettle-run-');
  t.after(() => fs.rmSync(base, { recursive: true, force: true }));
  fs.chmodSync(base, 0o755);
  const app = await startFettle({ t, cwd, target: 'server.js', args: ['-w', '2', '--uid', 'nobody', '--runtime-dir', base] });
  const clients = load({ port: app.port });
  const [dir] = fs.readdirSync(base);
  const uid = Number(idOf('-u', 'nobody'));
  const theirs = path.join(base, dir, `u${uid}`);
  assert.equal(fs.statSync(theirs).uid, uid);
  assert.equal(fs.statSync(theirs).mode & 0o777, 0o700);
  assert.equal(fs.statSync(path.join(base, dir)).mode & 0o777, 0o711);
  app.kill('SIGHUP');
  await app.line(/reloaded 2 workers/);
  const [{ pid }] = await app.serving(2);
  process.kill(pid, 'SIGKILL');
  await app.until(async () => (await app.serving(2)).every((row) => row.pid !== pid));
  const { count, failures } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.ok(count > 0);
  assert.equal(fs.readdirSync(path.join(base, dir)).filter((name) => /^\d+\.\d+\.\d+$/.test(name)).length, 2, 'no link outlives its worker');
  assert.equal((await app.stop()).code, 0);
  assert.deepEqual(fs.readdirSync(base), []);
});

test('a third user reaches neither the sockets of the workers nor the supervisor', { skip: asRoot }, async (t) => {
  const cwd = folder(t, { 'server.js': TELLING });
  const base = fs.mkdtempSync('/tmp/fettle-run-');
  t.after(() => fs.rmSync(base, { recursive: true, force: true }));
  fs.chmodSync(base, 0o755);
  const app = await startFettle({ t, cwd, target: 'server.js', args: ['-w', '1', '--uid', 'nobody', '--runtime-dir', base] });
  const dir = path.join(base, fs.readdirSync(base)[0]);
  const socket = fs.readdirSync(dir).find((name) => /^\d+\.\d+\.\d+$/.test(name));
  const third = (file) => spawnSync(NODE, ['-e', `
    require('net').connect(${JSON.stringify(file)}).on('connect', () => console.log('open')).on('error', (e) => console.log(e.code));`],
  { uid: 12345, gid: 12345, encoding: 'utf8', cwd: '/', env: {}, timeout: 20000 }).stdout.trim();
  assert.equal(third(path.join(dir, socket)), 'EACCES');
  // The supervisor's own socket takes messages, not streams; and hangs up on strangers.
  assert.match(third(path.join(dir, 'agent.sock')), /EPROTOTYPE|EACCES/);
  assert.equal((await app.get('/')).status, 200);
});

test('a group alone, and numbers', { skip: asRoot }, async (t) => {
  const cwd = folder(t, { 'server.js': TELLING });
  for (const [args, uid, gid] of [[['--gid', '12346'], 0, 12346], [['--uid', '12345', '--gid', '12346'], 12345, 12346]]) {
    const app = await startFettle({ t, cwd, target: 'server.js', args: ['-w', '1', ...args] });
    const seen = (await app.get('/')).json();
    assert.deepEqual([seen.uid, seen.gid, seen.groups], [uid, gid, [gid]]);
    await app.stop();
  }
});

const fettle = (args, options) => spawnSync(path.join(BUILD, 'fettle'), args, { encoding: 'utf8', timeout: 60000, ...options });

test('who is not there, and who may not, is named', { skip: asRoot }, (t) => {
  const cwd = folder(t, { 'server.js': '', 'fettle.json': '{\n  "run": "server.js",\n  "uid": "no-such-user"\n}' });
  assert.match(fettle(['run'], { cwd }).stderr, /fettle\.json:3: uid: this machine has no user "no-such-user"/);
  assert.match(fettle(['run', '--uid', 'nobody', '--gid', 'no-such-group'], { cwd }).stderr, /--gid: this machine has no group "no-such-group"/);
  assert.match(fettle(['run', '--uid', '54321'], { cwd }).stderr, /--uid: this user has no entry in \/etc\/passwd; name his group with gid/);
  const other = fettle(['run', '--uid', 'root', '--node', NODE], { cwd, uid: 12345, gid: 12345 });
  assert.match(other.stderr, /--uid: only root can start workers as somebody else; start fettle as root/);
  assert.equal(other.status, 2);
});

test('being who was asked for needs no root', { skip: asRoot }, (t) => {
  const cwd = folder(t, { 'server.js': 'console.log(`I am ${process.getuid()}`)' });
  const done = fettle(['run', '-w', '1', '--admin', 'off', '--uid', '12345', '--gid', '12345', '--node', NODE, 'server.js'], { cwd, uid: 12345, gid: 12345, env: { PATH: process.env.PATH } });
  assert.match(done.stdout, /I am 12345/);
  assert.equal(done.status, 0, done.stderr);
});

test("a folder that the user cannot enter is named", { skip: asRoot }, (t) => {
  const cwd = folder(t, { 'server.js': '' });
  fs.chmodSync(cwd, 0o700);
  const done = fettle(['run', '-w', '1', '--admin', 'off', '--uid', 'nobody', '--node', NODE, '--cwd', cwd, path.join(cwd, 'server.js')], { cwd: '/' });
  assert.match(done.stderr, /worker 1 cannot be started: the folder \S+: Permission denied/);
  assert.equal(done.status, 1);
});

test('a worker finds its number in the variable that was named', { skip }, async (t) => {
  const cwd = folder(t, {
    'server.js': TELLING,
    'ecosystem.config.js': `module.exports = { apps: [{ script: 'server.js', instances: 2, instance_var: 'INSTANCE_ID', increment_var: 'SHARD', env: { SHARD: 10 } }] };`,
  });
  const app = await startFettle({ t, cwd, target: 'ecosystem.config.js' });
  const seen = new Map();
  await app.until(async () => {
    const { env } = (await app.get('/')).json();
    seen.set(env.INSTANCE_ID, env);
    return seen.size === 2;
  });
  for (const id of ['0', '1']) {
    assert.equal(seen.get(id).SHARD, String(10 + Number(id)));
    assert.equal(seen.get(id).NODE_APP_INSTANCE, undefined);
  }
});
