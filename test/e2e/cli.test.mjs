// The command line as people meet it: help, mistakes, completions, the man page, installation, and
// all the ways to name what is to run.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BARE, BUILD, NODE, ROOT, nodeOf, startFettle } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';
const FETTLE = path.join(BUILD, 'fettle');
const LIMIT_MS = 30000;

/** A folder with these files, removed at the end; a file's name may have folders in it. */
function folder(t, files = {}) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-cli-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), typeof text === 'string' ? text : JSON.stringify(text));
  }
  return root;
}

function environment(more = {}) {
  const env = { ...process.env, PATH: `${BUILD}:${path.dirname(fs.realpathSync(NODE))}:${process.env.PATH}` };
  for (const name of Object.keys(env)) if (/^(FETTLE_|NO_COLOR$|npm_)/.test(name)) delete env[name];
  return { ...env, ...more };
}

function call(command, args, { cwd = ROOT, env, input } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: environment(env),
    input,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    maxBuffer: 16 << 20,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

const fettle = (args, options) => call(FETTLE, args, options);
const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const without = (program) => skip || (!has(program) && `${program} is not installed`);

/** A server that tells how it was started. */
const TELLING = `
  const { createServer } = require('node:http');
  createServer((req, res) => res.end(JSON.stringify({
    argv: process.argv.slice(2), execArgv: process.execArgv, cwd: process.cwd(), file: process.argv[1], env: process.env,
  }))).listen(process.env.PORT);`;

test('--help is one screen, with examples', { skip }, () => {
  const { status, stdout, stderr } = fettle(['--help']);
  assert.equal(status, 0);
  assert.equal(stderr, '');
  const lines = stdout.trimEnd().split('\n');
  assert.ok(lines.length <= 24, `${lines.length} lines`);
  for (const line of lines) assert.ok([...line].length <= 80, line);
  assert.match(stdout, /fettle run server\.js/);
  assert.doesNotMatch(stdout, /__/, 'what is for fettle itself is hidden');
  for (const args of [[], ['-h'], ['help']]) assert.equal(fettle(args).stdout, stdout);
});

test('help run lists every setting within 80 columns', { skip }, () => {
  const { status, stdout } = fettle(['help', 'run']);
  assert.equal(status, 0);
  for (const line of stdout.split('\n')) assert.ok([...line].length <= 80, line);
  for (const flag of ['-w, --workers', '-p, --port', '--admin', '--max-memory', '--max-block', '--drain', '--balance', '--trust-proxy', '--slow', '--log', '--access-log'])
    assert.ok(stdout.includes(flag), flag);
  assert.equal(fettle(['run', '--help']).stdout, stdout);
  assert.equal(fettle(['run', 'x.js', '-h']).stdout, stdout);
  assert.equal(fettle(['run', '--help'], { env: { FETTLE_WORKERS: 'nonsense' } }).stdout, stdout);
});

test('a command with sub-commands explains them, and names the right one', { skip }, () => {
  assert.match(fettle(['help', 'heap']).stdout, /fettle heap snapshot \[FLAGS\] TARGET/);
  assert.match(fettle(['help', 'heap', 'snapshot']).stdout, /Usage: fettle heap snapshot[^]*--output FILE[^]*Examples:/);
  assert.equal(fettle(['heap', 'snapshot', '--help']).stdout, fettle(['help', 'heap', 'snapshot']).stdout);
  assert.equal(fettle(['heap', '--help']).stdout, fettle(['help', 'heap']).stdout);
  for (const [args, expected] of [
    [['heap'], /heap needs to know what to do: .*snapshot/],
    [['heap', 'snapshott'], /did you mean "fettle heap snapshot"\?/],
    [['heap', 'walk'], /heap knows .*snapshot/],
    [['heap', 'snapshot'], /heap snapshot needs a TARGET/],
    [['heap', 'snapshot', '1', '2'], /"2" is one word too many/],
    [['heap', 'snapshot', '0'], /"0" is no process id/],
    [['help', 'heap', 'x', 'y'], /"y" is one word too many/],
  ]) {
    const { status, stderr } = fettle(args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, expected);
  }
});

test('--version tells both versions', { skip }, () => {
  const { status, stdout } = fettle(['--version']);
  assert.equal(status, 0);
  assert.match(stdout, /^fettle \d+\.\d+\.\d+\nnode \d+\.\d+\.\d+ \(\/.*\)\n$/);
  assert.equal(fettle(['version']).stdout, stdout);
  assert.match(fettle(['--version'], { env: { PATH: '/nonexistent' } }).stdout, /no program "node"/);
});

test('exit codes are documented', { skip }, () => {
  const { status, stdout } = fettle(['help', 'exit-codes']);
  assert.equal(status, 0);
  for (const code of ['0', '1', '2', '3', '128+N']) assert.match(stdout, new RegExp(`^  ${code.replace('+', '\\+')} `, 'm'));
});

test('mistakes say what was read, what is wrong, and what would be right', { skip }, async (t) => {
  const cwd = folder(t, {
    'server.js': '',
    'notes.txt': '',
    'app.ts': '',
    'package.json': { scripts: { start: 'node server.js', serve: 'node server.js' } },
    'broken/package.json': '{\n  "name": "x",\n}\n',
    'empty/notes.txt': '',
    'unbuilt/package.json': { main: 'dist/main.js' },
  });
  for (const [args, status, says, env] of [
    [['rnu'], 2, /unknown command "rnu"; did you mean "run"\?/],
    [['server.js'], 2, /did you mean "fettle run server\.js"\?/],
    [['npm:start'], 2, /did you mean "fettle run npm:start"\?/],
    [['-w', '4', 'server.js'], 2, /unknown flag -w before the command/],
    [['help', 'exitcodes'], 2, /did you mean `fettle help exit-codes`\?/],
    [['help', 'a', 'b'], 2, /"b" is one word too many/],
    [['completion'], 2, /bash, zsh or fish/],
    [['completion', 'tcsh'], 2, /knows bash, zsh and fish, not "tcsh"/],
    [['run', '--max-memry', '1G'], 2, /unknown flag --max-memry; did you mean --max-memory\?/],
    [['run', '--max-memory', '12Q'], 2, /--max-memory: "12Q" is not a size; write a number with K, M or G, such as 512M/],
    [['run', '--drain', '10'], 2, /--drain: "10" is not a duration/],
    [['run', '--workers'], 2, /--workers needs a value/],
    [['run', '--frob', 'server.js'], 2, /flags for the app itself go after --/],
    [['run', 'server.js', 'arg'], 2, /"arg" is one word too many; words for the app itself go after --/],
    [['run', '--admin', '0.0.0.0:9484', 'server.js'], 2, /other hosts could reach 0\.0\.0\.0:9484 without a token/],
    [['run', 'server.js'], 2, /FETTLE_WORKERS: "many" is not a number/, { FETTLE_WORKERS: 'many' }],
    [['run', 'nothing.js'], 3, /there is no file or folder "nothing\.js" in .*; name the file that node is to run/],
    [['run', 'serve'], 3, /for the script of that name in package\.json, write npm:serve/],
    [['run', 'notes.txt'], 2, /not JavaScript by its ending/],
    [['run', 'npm:strat'], 3, /has no script "strat"; did you mean npm:start\? It has: start, serve/],
    [['run', 'broken'], 2, /package\.json:3: not valid JSON/],
    [['run', 'empty'], 3, /has no package\.json and no index\.js/],
    [['run', 'unbuilt'], 3, /its main \(dist\/main\.js\) does not exist/],
    [['run', '--cwd', 'nowhere', 'server.js'], 3, /--cwd: nowhere: No such file or directory/],
    [['run', '--node', 'nodd', 'server.js'], 3, /no program "nodd" in any folder of PATH/],
  ])
    await t.test(args.join(' '), () => {
      const got = fettle(args, { cwd, env });
      assert.match(got.stderr, says);
      assert.match(got.stderr, /^fettle: /);
      assert.equal(got.stderr.trimEnd().split('\n').length, 1, got.stderr);
      assert.equal(got.stdout, '');
      assert.equal(got.status, status);
    });
  const node20 = nodeOf(20);
  await t.test('TypeScript on a node without it', { skip: !node20 && 'run scripts/nodes' }, () => {
    const got = fettle(['run', '--node', node20, 'app.ts'], { cwd });
    assert.match(got.stderr, /app\.ts is TypeScript, which node 20\.\d+\.\d+ .* cannot run by itself; use Node 22\.18/);
    assert.equal(got.status, 2);
  });
});

test('colours only on a terminal, and never with NO_COLOR', { skip: without('script') }, () => {
  const onTerminal = (line, env) =>
    call('script', ['-qec', line, '/dev/null'], { env: { TERM: 'xterm', ...env }, input: '' }).stdout;
  const escape = '\u001b[';
  assert.ok(onTerminal('fettle help run').includes(escape));
  assert.ok(onTerminal('fettle rnu').includes(escape));
  assert.ok(!onTerminal('fettle help run', { NO_COLOR: '1' }).includes(escape));
  assert.ok(!onTerminal('fettle rnu', { NO_COLOR: '1' }).includes(escape));
  assert.ok(!onTerminal('fettle help run', { TERM: 'dumb' }).includes(escape));
  assert.ok(!fettle(['help', 'run']).stdout.includes(escape));
  assert.ok(!fettle(['rnu']).stderr.includes(escape));
});

test('a page that nobody reads to its end is no accident', { skip }, () => {
  const got = call('sh', ['-c', 'fettle help run | head -n 1; fettle help run >/dev/full']);
  assert.match(got.stdout, /^Usage: fettle run/);
  assert.match(got.stderr, /^fettle: standard output cannot be written: /);
  assert.equal(got.status, 1);
});

test('doc/settings.md is what the table says', { skip }, () => {
  const { status, stdout } = fettle(['__settings-md']);
  assert.equal(status, 0);
  assert.equal(fs.readFileSync(path.join(ROOT, 'doc/settings.md'), 'utf8'), stdout, 'make doc/settings.md brings it up to date');
});

test('the man page is clean', { skip }, async (t) => {
  const page = path.join(folder(t), 'fettle.1');
  const { status, stdout } = fettle(['__man']);
  assert.equal(status, 0);
  fs.writeFileSync(page, stdout);
  for (const flag of fettle(['help', 'run']).stdout.matchAll(/^ {2}(?: {4}|-\w, )--([a-z-]+)/gm))
    assert.ok(stdout.includes(`Fl \\-${flag[1].replaceAll('-', '\\-')} `), flag[1]);
  await t.test('mandoc finds nothing', { skip: without('mandoc') }, () => {
    const got = call('mandoc', ['-T', 'lint', page]);
    assert.equal(got.stdout + got.stderr, '');
    assert.match(call('mandoc', ['-T', 'ascii', page]).stdout.replace(/.\u0008/g, ''), /--max-memory SIZE/);
  });
});

const completing = {
  'package.json': { scripts: { start: 'x', serve: 'x', 'a:b': 'x' } },
  'server.js': '',
  'sub/x': '',
};

const COMMANDS = ['bench', 'cache', 'circuits', 'completion', 'config', 'cpu', 'describe', 'env', 'findings', 'heap', 'help', 'logs', 'ps', 'reload', 'restart', 'routes', 'run', 'scale', 'service', 'signal', 'sql', 'start', 'stop', 'upgrade', 'upstreams', 'version'];

test('completion in bash', { skip: without('bash') }, async (t) => {
  const cwd = folder(t, completing);
  // Splits as readline does, so that : and = are words of their own.
  const complete = (...words) => {
    const script = `source <(fettle completion bash)
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _fettle; ((\${#COMPREPLY[@]})) && printf '%s\\n' "\${COMPREPLY[@]}"; true`;
    const { stdout, stderr, status } = call('bash', ['--norc', '-uc', script, 'bash', ...words], { cwd });
    assert.equal(stderr, '');
    assert.equal(status, 0);
    return stdout.split('\n').filter(Boolean).sort();
  };
  assert.deepEqual(complete('fettle', ''), ['--help', '--version', ...COMMANDS]);
  assert.deepEqual(complete('fettle', 'ru'), ['run']);
  assert.deepEqual(complete('fettle', 'describe', '--'), ['--help', '--json', '--no-json', '--pid', '--runtime-dir']);
  assert.deepEqual(complete('fettle', 'reload', '--timeout', ''), ['5m', 'off']);
  assert.deepEqual(complete('fettle', 'run', '--max-me'), ['--max-memory']);
  assert.deepEqual(complete('fettle', 'run', '--no-metrics-p'), ['--no-metrics-prom-client']);
  assert.deepEqual(complete('fettle', 'run', '--log', ''), ['json', 'text']);
  assert.deepEqual(complete('fettle', 'run', '--log', '=', 'j'), ['json']);
  assert.deepEqual(complete('fettle', 'run', '--log', '='), ['json', 'text']);
  assert.deepEqual(complete('fettle', 'run', '-w', ''), ['auto']);
  assert.deepEqual(complete('fettle', 'run', '--balance', 'hash', ':'), ['cookie=', 'header=', 'ip']);
  assert.deepEqual(complete('fettle', 'run', '--balance', 'hash', ':', 'i'), ['ip']);
  assert.deepEqual(complete('fettle', 'run', '--cwd', ''), ['sub']);
  assert.deepEqual(complete('fettle', 'run', 's'), ['server.js', 'sub']);
  assert.deepEqual(complete('fettle', 'run', 'np'), ['npm:']);
  assert.deepEqual(complete('fettle', 'run', 'npm', ':'), ['a:b', 'serve', 'start']);
  assert.deepEqual(complete('fettle', 'run', 'npm', ':', 'st'), ['start']);
  assert.deepEqual(complete('fettle', 'run', 'npm', ':', 'a', ':'), ['b']);
  assert.deepEqual(complete('fettle', 'run', 'x.js', '--', 'ser'), ['server.js']);
  assert.deepEqual(complete('fettle', 'bench', '--arr'), ['--arrivals']);
  assert.deepEqual(complete('fettle', 'bench', '--arrivals', ''), ['constant', 'poisson']);
  assert.deepEqual(complete('fettle', 'bench', '--mix', 'ser'), ['server.js']);
  assert.deepEqual(complete('fettle', 'bench', '--max-'), []);
  assert.deepEqual(complete('fettle', 'config', ''), ['check', 'schema', 'show']);
  assert.deepEqual(complete('fettle', 'config', 'show', '--'), ['--app', '--env', '--help', '--json', '--no-json']);
  assert.deepEqual(complete('fettle', 'config', 'check', 'ser'), ['server.js']);
  assert.deepEqual(complete('fettle', 'help', 'se'), ['service', 'settings']);
  assert.deepEqual(complete('fettle', 'completion', ''), ['bash', 'fish', 'zsh']);
  assert.deepEqual(complete('fettle', 'service', 'in'), ['install']);
  assert.deepEqual(complete('fettle', 'service', 'show', 'ser'), ['server.js']);
  assert.ok(complete('fettle', 'heap', '').includes('snapshot'));
  assert.ok(complete('fettle', 'heap', 'snapshot', '--').includes('--output'));
  assert.deepEqual(complete('fettle', 'heap', 'snapshot', '-o', 'ser'), ['server.js']);
  assert.deepEqual(complete('fettle', 'nothing', ''), []);
});

test('completion in zsh', { skip: without('zsh') }, async (t) => {
  const cwd = folder(t, { ...completing, 'functions/_fettle': fettle(['completion', 'zsh']).stdout });
  assert.equal(call('zsh', ['-n', path.join(cwd, 'functions/_fettle')]).stderr, '');
  // The real completion system, in a terminal of zsh's own: what TAB inserts or lists.
  const complete = (line) => {
    const script = `
      zmodload zsh/zpty
      zpty z "cd ${cwd}; PS1='READY>' TERM=dumb ZDOTDIR=${cwd} zsh -f -i"
      wait_for() { local got part; while zpty -r z part "*$1*"; do got+=$part; [[ $got == *$1* ]] && break; done; REPLY=$got }
      wait_for 'READY>'
      zpty -w z "unsetopt zle_bracketed_paste prompt_cr; fpath=(${cwd}/functions \\$fpath); autoload -Uz compinit; compinit -u -D; echo IN''IT"
      wait_for INIT
      zpty -w z "zstyle ':completion:*' format ''; LISTMAX=10000; unsetopt always_last_prompt list_beep; widget() { zle expand-or-complete; print -r -- \\"[[\\$BUFFER]]\\"; }; \\
        capture() { local -a got; compadd() { local -a m; builtin compadd -A m \\"\\$@\\"; got+=(\\$m); builtin compadd \\"\\$@\\" }; _main_complete; unfunction compadd; print -r -- \\"<<\\$got>>\\"; }; \\
        zle -C capture complete-word capture; bindkey '^X' capture; echo SET''UP"
      wait_for SETUP
      zpty -w -n z $'${line}\\x18'
      wait_for '>>'
      print -r -- "$REPLY"
      zpty -d z`;
    const { stdout } = call('zsh', ['-f', '-c', script], { cwd });
    const found = /<<([^<]*)>>/.exec(stdout);
    assert.ok(found, stdout);
    return found[1].split(/\s+/).filter(Boolean);
  };
  assert.deepEqual([...new Set(complete('fettle '))].sort(), COMMANDS);
  const flags = complete('fettle run --max-');
  for (const flag of ['--max-memory', '--max-block', '--max-body']) assert.ok(flags.some((f) => f.startsWith(flag)), `${flag} in ${flags}`);
  assert.deepEqual([...new Set(complete('fettle run --log '))].sort(), ['json', 'text']);
  assert.deepEqual([...new Set(complete('fettle run npm:'))].sort(), ['npm:a:b', 'npm:serve', 'npm:start']);
  assert.ok(complete('fettle run ser').includes('server.js'));
  assert.ok(complete('fettle heap ').includes('snapshot'));
  assert.ok(complete('fettle heap snapshot --out').some((flag) => flag.startsWith('--output')));
  assert.deepEqual([...new Set(complete('fettle bench --arrivals '))].sort(), ['constant', 'poisson']);
});

test('completion in fish', { skip: without('fish') }, async (t) => {
  const cwd = folder(t, completing);
  const complete = (line) => {
    const { stdout, stderr } = call('fish', ['-N', '-c', `fettle completion fish | source; complete -C '${line}'`], { cwd, env: { HOME: cwd } });
    assert.equal(stderr, '');
    return stdout.split('\n').filter(Boolean).map((l) => l.split('\t')[0]);
  };
  assert.deepEqual(complete('fettle ').sort(), COMMANDS);
  assert.ok(complete('fettle run --max-').includes('--max-memory'));
  assert.deepEqual(complete('fettle bench --arrivals ').sort(), ['constant', 'poisson']);
  assert.deepEqual(complete('fettle run --log ').sort(), ['json', 'text']);
  assert.ok(complete('fettle run npm:s').includes('npm:serve'));
  assert.ok(complete('fettle run ser').includes('server.js'));
  assert.deepEqual(complete('fettle run --runtime-dir su'), ['sub/']);
  assert.ok(complete('fettle heap ').includes('snapshot'));
  assert.ok(complete('fettle heap snapshot --').includes('--output'));
  assert.ok(!complete('fettle heap ').includes('server.js'));
  assert.deepEqual(complete('fettle completion ').sort(), ['bash', 'fish', 'zsh']);
});

test('make install puts everything where it is found, and uninstall takes it away', { skip: without('make') }, async (t) => {
  const root = folder(t, { 'app/server.js': TELLING });
  const make = (goal) =>
    call('make', ['--no-print-directory', '-s', goal, `BUILD=${path.relative(ROOT, BUILD).startsWith('..') ? BUILD : path.relative(ROOT, BUILD)}`, `DESTDIR=${root}/dest`, 'PREFIX=/usr'], { env: { MAKEFLAGS: '', MAKELEVEL: '' } });
  const files = () => fs.readdirSync(`${root}/dest`, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => f.name);
  const installed = make('install-built');
  assert.equal(installed.status, 0, installed.stderr);
  for (const file of ['bin/fettle', 'lib/fettle/fettle-loop.so', 'lib/fettle/agent.js', 'lib/fettle/agent.node', 'share/man/man1/fettle.1', 'share/bash-completion/completions/fettle', 'share/zsh/site-functions/_fettle', 'share/fish/vendor_completions.d/fettle.fish', 'share/doc/fettle/settings.md'])
    assert.ok(fs.statSync(`${root}/dest/usr/${file}`).size > 0, file);
  const own = `${root}/dest/usr/bin/fettle`;

  await t.test('what is installed runs', async (t) => {
    const app = await startFettle({ t, command: own, target: `${root}/app/server.js`, args: ['-w', '1'] });
    assert.equal((await app.get('/')).status, 200);
    const { code } = await app.stop();
    assert.equal(code, 0);
  });
  await t.test('without its parts it says which one is missing', () => {
    const lonely = `${root}/lonely/bin/fettle`;
    fs.mkdirSync(path.dirname(lonely), { recursive: true });
    fs.copyFileSync(own, lonely);
    const got = call(lonely, ['run', `${root}/app/server.js`]);
    assert.equal(got.status, 3);
    assert.match(got.stderr, /^fettle: a part of fettle is missing: fettle-loop\.so is neither in .*\/lonely\/bin nor in .*\/lonely\/lib\/fettle; build it/);
  });
  const removed = make('uninstall');
  assert.equal(removed.status, 0, removed.stderr);
  assert.deepEqual(files(), []);
});

test('the ways to name an app', { skip }, async (t) => {
  const package_ = (more) => ({ name: 'named', version: '3.2.1', ...more });
  const told = async (t, files, target, options = {}) => {
    const cwd = folder(t, files);
    options.before?.(cwd);
    const app = await startFettle({ t, cwd, target, args: ['-w', '1', ...(options.args ?? [])], appArgs: options.appArgs, env: options.env });
    const seen = JSON.parse((await app.get('/')).text);
    return { cwd, seen, app };
  };

  await t.test('a file without its ending', async (t) => {
    const { cwd, seen } = await told(t, { 'lib/app.js': TELLING }, 'lib/app', { appArgs: ['--x', 'two words'] });
    assert.equal(seen.file, path.join(cwd, 'lib/app.js'));
    assert.equal(seen.cwd, cwd);
    assert.deepEqual(seen.argv, ['--x', 'two words']);
  });
  await t.test('a folder with a start script', async (t) => {
    const { cwd, seen } = await told(
      t,
      { 'shop/package.json': package_({ main: 'not-this.js', scripts: { start: 'GREETING=hello node --no-warnings src/s.js --from script' } }), 'shop/not-this.js': '', 'shop/src/s.js': TELLING },
      'shop',
      { appArgs: ['and more'], args: ['--node-args', '--max-old-space-size=200'] },
    );
    assert.equal(seen.cwd, path.join(cwd, 'shop'));
    assert.deepEqual(seen.argv, ['--from', 'script', 'and more']);
    assert.deepEqual(seen.execArgv.filter((a) => a.startsWith('--max') || a.startsWith('--no')), ['--max-old-space-size=200', '--no-warnings']);
    assert.equal(seen.env.GREETING, 'hello');
    assert.equal(seen.env.npm_lifecycle_event, 'start');
    assert.equal(seen.env.npm_package_name, 'named');
    assert.equal(seen.env.npm_package_version, '3.2.1');
    assert.equal(seen.env.npm_package_json, path.join(cwd, 'shop/package.json'));
    assert.equal(seen.env.INIT_CWD, cwd);
    assert.ok(seen.env.PATH.includes(path.join(cwd, 'shop/node_modules/.bin')));
  });
  await t.test('a folder with main', async (t) => {
    const { seen } = await told(t, { 'package.json': package_({ main: './lib' }), 'lib/index.js': TELLING }, '.');
    assert.match(seen.file, /lib\/index\.js$/);
  });
  await t.test('a folder without a package.json', async (t) => {
    const { seen } = await told(t, { 'x/server.js': TELLING }, 'x');
    assert.match(seen.file, /x\/server\.js$/);
  });
  await t.test('a script that needs a shell, from a folder below', async (t) => {
    const cwd = folder(t, { 'package.json': package_({ scripts: { 'serve:all': 'VALUE=$((40 + 2)) && export VALUE && exec node s.js' } }), 's.js': TELLING, 'deep/er/x': '' });
    const app = await startFettle({ t, cwd: path.join(cwd, 'deep/er'), target: 'npm:serve:all', args: ['-w', '1'], appArgs: ["it's"] });
    const seen = JSON.parse((await app.get('/')).text);
    assert.equal(seen.env.VALUE, '42');
    assert.equal(seen.cwd, cwd);
    assert.deepEqual(seen.argv, ["it's"]);
  });
  await t.test('a program of node_modules/.bin, and the pre script once', async (t) => {
    const { cwd, seen } = await told(
      t,
      { 'package.json': package_({ scripts: { prestart: 'echo once >>pre.log', start: 'cross-env A=b tool serve' } }), 'node_modules/tool/cli.js': `#!/usr/bin/env node\n${TELLING}` },
      '.',
      {
        args: ['-w', '2'],
        before: (cwd) => {
          fs.mkdirSync(`${cwd}/node_modules/.bin`);
          fs.symlinkSync('../tool/cli.js', `${cwd}/node_modules/.bin/tool`);
        },
      },
    );
    assert.deepEqual(seen.argv, ['serve']);
    assert.equal(seen.env.A, 'b');
    assert.equal(fs.readFileSync(`${cwd}/pre.log`, 'utf8'), 'once\n');
  });
  await t.test('a pre script that fails ends it', (t) => {
    const cwd = folder(t, { 'package.json': package_({ scripts: { prestart: 'exit 7', start: 'node s.js' } }), 's.js': TELLING });
    const got = fettle(['run', '--admin', 'off'], { cwd });
    assert.match(got.stderr, /`exit 7`, which runs before the app, failed with exit code 7/);
    assert.equal(got.status, 1);
  });
  await t.test('TypeScript, with the flag that node needs', { skip: !nodeOf(22) && 'run scripts/nodes' }, async (t) => {
    const cwd = folder(t, { 'app.cts': `const port: string = process.env.PORT!;${TELLING}` });
    const app = await startFettle({ t, cwd, target: 'app.cts', node: nodeOf(22), args: ['-w', '1'] });
    assert.equal((await app.get('/')).status, 200);
  });
  await t.test('--cwd', async (t) => {
    const { cwd, seen } = await told(t, { 'app/s.js': TELLING, 'elsewhere/x': '' }, 'app/s.js', { args: ['--cwd', 'elsewhere'] });
    assert.equal(seen.cwd, path.join(cwd, 'elsewhere'));
  });
});

test('settings come from the environment, and flags win', { skip }, async (t) => {
  const cwd = folder(t, { 's.js': TELLING });
  const env = { FETTLE_WORKERS: '3', FETTLE_LOG: 'json', FETTLE_NAME: 'from-env' };
  const app = await startFettle({ t, cwd, target: 's.js', args: ['--workers', '2'], env });
  await app.serving(2);
  assert.ok(app.stderr.filter(Boolean).every((line) => line.startsWith('{')), app.output);
  const seen = JSON.parse((await app.get('/')).text);
  const leaked = Object.keys(seen.env).filter((name) => ['FETTLE_WORKERS', 'FETTLE_LOG', 'FETTLE_NAME'].includes(name));
  assert.deepEqual(leaked, [], 'settings of fettle are not the app’s');
});

test('a misspelt variable is warned about', { skip }, async (t) => {
  const cwd = folder(t, { 's.js': TELLING });
  const app = await startFettle({ t, cwd, target: 's.js', args: ['-w', '1'], env: { FETTLE_MAX_MEMROY: '1G' } });
  assert.match(app.output, /FETTLE_MAX_MEMROY, which is no setting; did you mean FETTLE_MAX_MEMORY\?/);
});

test('a token is on no command line and in no worker', { skip }, async (t) => {
  const cwd = folder(t, { 's.js': TELLING });
  const secret = 'open-sesame-0123456789';
  const app = await startFettle({ t, cwd, target: 's.js', args: ['-w', '1', '--admin-token', secret] });
  const processes = app.processes();
  assert.ok(processes.length >= 4, JSON.stringify(processes));
  for (const { title } of processes) assert.ok(!title.includes(secret), title);
  const seen = (await app.get('/')).text;
  assert.ok(!seen.includes(secret));
});

test('exit codes', { skip }, async (t) => {
  await t.test('an app that fails from the start: 1', async (t) => {
    const cwd = folder(t, { 'f.js': 'process.exit(9)' });
    const app = await startFettle({ t, cwd, target: 'f.js', args: ['-w', '1'], ready: false });
    assert.equal((await app.exit(60000)).code, 1);
  });
  await t.test('a script that has done its work: 0', async (t) => {
    const cwd = folder(t, { 'd.js': 'console.log("done")' });
    const app = await startFettle({ t, cwd, target: 'd.js', args: ['-w', '1'], ready: false });
    assert.equal((await app.exit()).code, 0);
    assert.match(app.output, /done/);
  });
  await t.test('SIGTERM: 0', async (t) => {
    const cwd = folder(t, { 's.js': TELLING });
    const app = await startFettle({ t, cwd, target: 's.js', args: ['-w', '1'] });
    assert.deepEqual(await app.stop(), { code: 0, signal: null });
  });
});
