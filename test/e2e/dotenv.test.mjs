// .env files: read as Node reads them, and what an app sees of them.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, NODE, nodeOf } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';

function folder(t, files) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-dotenv-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(root, name), text);
  return root;
}

/** fettle ARGS to its end. */
async function fettle(args, { cwd, env = {} }) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(FETTLE_|NODE_OPTIONS$)/.test(name)));
  const done = await promisify(execFile)(path.join(BUILD, 'fettle'), args, { cwd, env: { ...clean, ...env }, timeout: 60000 })
    .catch((error) => error);
  return { status: done.code ?? 0, stdout: done.stdout, stderr: done.stderr };
}

// Writes the variables that plain Node would not have, to a file: no value is cut by the log.
const TELL = `require('fs').writeFileSync(process.argv[2], JSON.stringify(process.env));`;

/** What an app sees with these flags: its whole environment. */
async function seen(cwd, args, env) {
  const got = await fettle(['run', '-w', '1', '--admin', 'off', '--node', NODE, ...args, 'tell.js', '--', 'seen.json'], { cwd, env });
  assert.equal(got.status, 0, got.stderr);
  return { env: JSON.parse(fs.readFileSync(path.join(cwd, 'seen.json'), 'utf8')), stderr: got.stderr };
}

/** util.parseEnv of a real Node; names that begin with V only. */
const byNode = (node, text) =>
  JSON.parse(execFileSync(node, ['-e', `
    const text = require('fs').readFileSync(0, 'utf8');
    process.stdout.write(JSON.stringify(require('util').parseEnv(text)));`], { input: text, encoding: 'utf8' }));

const ours = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => /^V/.test(name)));

const PIECES = [
  'V%=plain', 'V%=', ' V% = spaces ', 'export V%=1', 'export   V%="q"', 'V%="a\\nb\\tc" # x', "V%='a\\nb'", 'V%=a\\nb',
  'V%=`it\'s "so"`', 'V%=x # comment', 'V%=x#y', 'V%="x#y"', 'V%=#', 'V%="a\nb\n\nc"', "V%='\n# no comment\n'", '# V%=no', '',
  'stray', 'V%==b=c', 'V%=$HOME ${X}', 'V%="" y', "V%=''", 'V%=é ü', 'V%=\ttab\t', 'V%=a\rb', 'V%="x" "y"', 'V%=x "y"', 'V%.a-b=1',
  'V%={"a": [1, 2]}', 'V%="{\\"a\\": 1}"', 'V%=\\', 'V%="\\\\n"', 'V%=https://u:p@host/?a=b&c#d',
];

/** Files that hold each of these, and then random ones of them; the last has a quote that stays open. */
function texts() {
  const all = PIECES.map((piece, i) => piece.replace('%', `_${i}`)).join('\n');
  let state = 7;
  const random = (n) => (state = (state * 48271) % 2147483647) % n;
  const list = [all, all.replaceAll('\n', '\r\n')];
  for (let file = 0; file < 4; file++) {
    let text = '';
    for (let i = 0; i < 200; i++) text += `${PIECES[random(PIECES.length)].replace('%', `_${random(120)}`)}${random(9) ? '\n' : '\n\n'}`;
    list.push(text + ['V_last="open', "V_last='open\nV_more=1\n", 'V_last=', 'V_last'][file]);
  }
  return list;
}

test('a .env file is read as Node reads it', { skip }, async (t) => {
  const cwd = folder(t, { 'tell.js': TELL });
  for (const text of texts()) {
    fs.writeFileSync(path.join(cwd, '.env'), text);
    const got = ours((await seen(cwd, ['--env-file', '.env'])).env);
    for (const major of [22, 24, 26]) {
      if (!nodeOf(major)) continue;
      const want = ours(byNode(nodeOf(major), text));
      assert.ok(Object.keys(want).length > 15);
      assert.deepEqual(got, want, `Node ${major}`);
    }
  }
});

test('what is set already wins over the file, the last file over the first, and the settings over both', { skip }, async (t) => {
  const cwd = folder(t, {
    'tell.js': TELL,
    a: 'V_SET=file\nV_A=a\nV_BOTH=a\nV_EMPTY=file\nV_CONF=file\n',
    b: 'V_BOTH=b\nNODE_OPTIONS=--no-warnings\n',
    'fettle.json': JSON.stringify({ 'env-file': ['a', 'b'], env: { V_CONF: 'settings' } }),
  });
  const want = { V_SET: 'shell', V_A: 'a', V_BOTH: 'b', V_EMPTY: '', V_CONF: 'settings' };
  const env = { V_SET: 'shell', V_EMPTY: '' };
  const got = await seen(cwd, [], env);
  assert.deepEqual(ours(got.env), want);
  assert.equal(got.env.NODE_OPTIONS, '--no-warnings');
  assert.deepEqual(ours((await seen(cwd, ['--env-file', 'b', '--env-file', 'a'], env)).env), { ...want, V_BOTH: 'a' });
  assert.deepEqual(ours((await seen(cwd, ['--env-file=off'], env)).env), { V_SET: 'shell', V_EMPTY: '', V_CONF: 'settings' });
  assert.deepEqual(ours((await seen(cwd, [], { ...env, FETTLE_ENV_FILE: 'a' })).env), { ...want, V_BOTH: 'a' });
});

test("pm2's files may name one too", { skip }, async (t) => {
  const cwd = folder(t, {
    'tell.js': TELL, 'my.env': 'V_A=1\nV_B=2',
    'ecosystem.config.js': `module.exports = { apps: [{ script: 'tell.js', args: 'seen.json', env_file: 'my.env', env: { V_B: 3 } }] };`,
  });
  const got = await fettle(['run', '--admin', 'off', '--node', NODE, 'ecosystem.config.js'], { cwd });
  assert.equal(got.status, 0, got.stderr);
  assert.deepEqual(ours(JSON.parse(fs.readFileSync(path.join(cwd, 'seen.json'), 'utf8'))), { V_A: '1', V_B: '3' });
});

test('mistakes are named with file and line, and no value is shown', { skip }, async (t) => {
  const cwd = folder(t, { 'tell.js': TELL, odd: 'V_A=1\n\nsecret\nV_B="secret\n', bad: 'V_A=1\nV_B=\0\n' });
  const { env, stderr } = await seen(cwd, ['--env-file', 'odd']);
  assert.deepEqual(ours(env), { V_A: '1', V_B: '"secret' });
  assert.match(stderr, /warning: odd:3: this line is not NAME=value/);
  assert.match(stderr, /warning: odd:4: V_B: the quote at the beginning of the value is not closed/);
  assert.doesNotMatch(stderr, /secret/);
  const bad = await fettle(['run', '--env-file', 'bad', 'tell.js'], { cwd });
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /bad:2: it holds a NUL byte/);
  const none = await fettle(['run', '--env-file', 'none', 'tell.js'], { cwd });
  assert.match(none.stderr, /--env-file: none cannot be read: No such file or directory/);
  fs.writeFileSync(path.join(cwd, 'fettle.json'), '{\n  "run": "tell.js",\n  "env-file": "odd,none"\n}\n');
  const check = await fettle(['config', 'check'], { cwd });
  assert.match(check.stdout, /odd:3: warning: this line/);
  assert.match(check.stdout, /fettle\.json:3: mistake: env-file: .*none cannot be read/);
});
