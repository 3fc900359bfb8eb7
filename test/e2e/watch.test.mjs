// --watch: the app is restarted when its files change, and clients wait rather than fail.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, startFettle } from './helpers/fettle.mjs';
import { load } from './helpers/load.mjs';

const skip = BARE && 'needs fettle';

const server = (version) => `
  require('fs').appendFileSync('starts.log', '.');
  require('http').createServer((req, res) => res.end('version ${version} ' + process.env.V)).listen(process.env.PORT);`;

function folder(t, files) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-watch-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return root;
}

async function run(t, args, files = {}, more = {}) {
  const cwd = folder(t, { 'server.js': server(1), ...files });
  const app = await startFettle({ t, cwd, target: 'server.js', args: ['--watch', ...args], ...more });
  return Object.assign(app, {
    cwd,
    put: (name, text) => fs.writeFileSync(path.join(cwd, name), text),
    starts: () => fs.readFileSync(path.join(cwd, 'starts.log'), 'utf8').length,
    restarts: () => app.lines.filter((line) => /changed: restarting/.test(line)),
  });
}

const shows = (app, text) => app.until(async () => (await app.get('/')).text.startsWith(text), { what: text });

test('a change is served at once, on the same port, and no request fails', { skip }, async (t) => {
  const app = await run(t, []);
  const clients = load({ port: app.port });
  for (let version = 2; version <= 4; version++) {
    const before = clients.result.count;
    app.put('server.js', server(version));
    await shows(app, `version ${version}`);
    await app.until(() => clients.result.count > before + 20);
  }
  const { failures } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.match(app.output, /fettle: server\.js has changed: restarting/);
  assert.equal((await app.workers()).filter((row) => row.state === 'ready').length, 1, 'one worker, as nobody asked for more');
});

test('who has seen the new code does not see the old one again', { skip }, async (t) => {
  const app = await run(t, []);
  const seen = [];
  for (let version = 2; version <= 4; version++) {
    app.put('server.js', server(version));
    await app.until(async () => {
      seen.push(Number((await app.get('/')).text.split(' ')[1]));
      return seen.at(-1) === version;
    });
  }
  assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
});

test('a mistake in the code is shown, and the next change is waited for', { skip }, async (t) => {
  const app = await run(t, [], {}, { env: { V: 'x' } });
  app.put('server.js', `${server(2)}\n const = ;`);
  await app.line(/SyntaxError/);
  await app.line(/worker 1 has ended: exit code 1; it is started again when a file changes/);
  const waiting = app.get('/');
  app.put('server.js', server(3));
  assert.equal((await waiting).text, 'version 3 x');
  assert.equal(app.starts(), 2);
  assert.equal(app.ended, undefined);
});

test('also when the mistake is there from the beginning, and for a script that has finished', { skip }, async (t) => {
  const app = await run(t, [], { 'server.js': 'throw new Error("none");' }, { ready: false });
  await app.line(/started again when a file changes/);
  app.put('server.js', 'console.log("done")');
  await app.line(/all workers have finished; they are started again when a file changes/);
  app.put('server.js', server(2));
  await shows(app, 'version 2');
  assert.equal((await app.stop()).code, 0);
});

test('an editor that renames over the file, and hundreds of files at once, are one restart each', { skip }, async (t) => {
  const app = await run(t, ['--watch-delay', '700ms'], { 'lib/0.js': '' });
  app.put('server.js.tmp', server(2));
  fs.renameSync(path.join(app.cwd, 'server.js.tmp'), path.join(app.cwd, 'server.js'));
  await shows(app, 'version 2');
  fs.mkdirSync(path.join(app.cwd, 'lib/deep/er'), { recursive: true });
  for (let i = 0; i < 300; i++) app.put(`lib/${i % 2 ? 'deep/er/' : ''}${i}.js`, `// ${i}`);
  await app.until(() => app.restarts().length === 2);
  app.put('lib/deep/er/1.js', '// in a folder that is new');
  await app.until(() => app.restarts().length === 3);
  assert.match(app.restarts()[1], /and \d\d+ more have changed/);
  assert.match(app.restarts()[2], /lib\/deep\/er\/1\.js has changed/);
});

test('what does not count does not restart', { skip }, async (t) => {
  const app = await run(t, ['--watch-ignore', 'uploads,*.gen.js'], {
    'node_modules/x/index.js': '', '.git/HEAD': '', 'uploads/a.json': '{}', 'x.gen.js': '', 'app.log': '',
  });
  for (const name of ['node_modules/x/index.js', '.git/HEAD', 'uploads/a.json', 'x.gen.js', 'app.log', 'picture.png']) app.put(name, 'new');
  app.put('server.js', server(2));
  await shows(app, 'version 2');
  assert.deepEqual(app.restarts().map((line) => line.replace(/.*fettle: /, '')), ['server.js has changed: restarting']);
});

test('only the paths that are named', { skip }, async (t) => {
  const cwd = folder(t, { 'server.js': server(1), 'src/a.js': '', 'other/b.js': '', 'limits.cfg': '' });
  const app = await startFettle({ t, cwd, target: 'server.js', args: ['--watch=src,limits.cfg'] });
  const restarts = () => app.lines.filter((line) => /changed: restarting/.test(line));
  fs.writeFileSync(path.join(cwd, 'other/b.js'), '// new');
  fs.writeFileSync(path.join(cwd, 'limits.cfg'), 'new');
  await app.until(() => restarts().length === 1);
  fs.writeFileSync(path.join(cwd, 'src/a.js'), '// new');
  await app.until(() => restarts().length === 2);
  assert.match(restarts()[0], /limits\.cfg has changed/);
  assert.match(restarts()[1], /a\.js has changed/);
});

test('a changed .env file is read anew, by a restart and by a reload', { skip }, async (t) => {
  const cwd = folder(t, { 'server.js': server(1), 'my.env': 'V=1' });
  const app = await startFettle({ t, cwd, target: 'server.js', args: ['-w', '1', '--env-file', 'my.env', '--watch'] });
  assert.equal((await app.get('/')).text, 'version 1 1');
  fs.writeFileSync(path.join(cwd, 'my.env'), 'V=2');
  await app.until(async () => (await app.get('/')).text === 'version 1 2');
  const plain = await startFettle({ t, cwd, target: 'server.js', args: ['-w', '1', '--env-file', 'my.env'] });
  fs.writeFileSync(path.join(cwd, 'my.env'), 'V=3');
  plain.kill('SIGHUP');
  await plain.line(/reloaded 1 worker/);
  assert.equal((await plain.get('/')).text, 'version 1 3');
});

test("the kernel's limit is named with its sysctl, and with what is not watched", { skip }, async (t) => {
  const limit = 'echo 3 >/proc/sys/user/max_inotify_watches';
  if (spawnSync('unshare', ['-Ur', 'sh', '-c', limit]).status !== 0) return t.skip('no user namespaces here');
  const cwd = folder(t, { 'server.js': 'console.log("ran")', 'a/x.js': '', 'b/x.js': '', 'c/x.js': '', 'd/x.js': '' });
  const text = execFileSync('unshare', ['-Ur', 'sh', '-c', `${limit} && (timeout 5 "$@" 2>&1; true)`, 'sh', path.join(BUILD, 'fettle'),
    'run', '--admin', 'off', '--watch', '--node', process.execPath, 'server.js'], { cwd, encoding: 'utf8', timeout: 60000 });
  assert.match(text, /limit of watched folders is reached: \S+\/[abcd] and 1 more are not watched; raise fs\.inotify\.max_user_watches \(it is \d+\), as in: sudo sysctl/);
  assert.match(text, /watching 3 folders/);
  assert.match(text, /ran/);
});

test('a path that is not there is a mistake', { skip }, (t) => {
  const cwd = folder(t, { 'server.js': '' });
  const done = spawnSync(path.join(BUILD, 'fettle'), ['run', '--watch=sorce', 'server.js'], { cwd, encoding: 'utf8', timeout: 60000 });
  assert.match(done.stderr, /--watch: there is no sorce; name a file or folder that is there/);
  assert.equal(done.status, 3);
});
