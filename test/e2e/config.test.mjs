// Settings from files, as a user writes them: fettle.json, package.json, fettle.config.*, pm2's
// ecosystem files, Procfiles; and `fettle config` about them.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { BARE, BUILD, MAJORS, NODE, ROOT, alive, nodeOf, poll, startFettle } from './helpers/fettle.mjs';

const skip = BARE && 'needs fettle';

/** A folder with these files, removed at the end. */
function folder(t, files) {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-config-')));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), typeof text === 'string' ? text : JSON.stringify(text, null, 2));
  }
  return root;
}

/** fettle ARGS in `cwd`, to its end. */
function fettle(args, { cwd, env = {}, node = NODE } = {}) {
  const clean = { ...process.env, PATH: `${path.dirname(fs.realpathSync(node))}:${process.env.PATH}` };
  for (const name of Object.keys(clean)) if (/^(FETTLE_|NODE_OPTIONS$|npm_)/.test(name)) delete clean[name];
  const { status, stdout, stderr, error } = spawnSync(path.join(BUILD, 'fettle'), args, {
    cwd, env: { ...clean, ...env }, encoding: 'utf8', timeout: 60000, maxBuffer: 16 << 20,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

const shown = (args, options) => {
  const got = fettle(['config', 'show', '--json', ...args], options);
  assert.equal(got.status, 0, got.stderr);
  return JSON.parse(got.stdout);
};

/** A server that tells how it was started. */
const TELLING = `
  require('node:http').createServer((req, res) => res.end(JSON.stringify({
    argv: process.argv.slice(2), execArgv: process.execArgv, cwd: process.cwd(), file: process.argv[1], env: process.env,
  }))).listen(process.env.PORT);`;

async function told(t, { cwd, target, args = [], env, appArgs }) {
  const app = await startFettle({ t, cwd, target, args, env, appArgs });
  return { app, seen: JSON.parse((await app.get('/')).text) };
}

test('fettle.json says what to run and how', { skip }, async (t) => {
  const cwd = folder(t, {
    'shop/fettle.json': {
      run: 'lib/s.js', workers: 2, args: ['--x', 'two words'], env: { GREETING: 'hello', N: 5 },
      'node-args': ['--max-old-space-size=200'], 'max-memory': '512MB', 'access-log': 'access.log',
    },
    'shop/lib/s.js': TELLING,
  });
  const { app, seen } = await told(t, { cwd, target: 'shop', env: { GREETING: 'overruled' } });
  await app.serving(2);
  assert.equal(seen.cwd, path.join(cwd, 'shop'));
  assert.deepEqual(seen.argv, ['--x', 'two words']);
  assert.equal(seen.env.GREETING, 'hello');
  assert.equal(seen.env.N, '5');
  assert.ok(seen.execArgv.includes('--max-old-space-size=200'));
  await app.until(() => fs.readFileSync(path.join(cwd, 'shop/access.log'), 'utf8').includes('GET /'), { what: 'the access log, in the folder of the file' });
});

test('from --config, with no target; and what the command line says wins', { skip }, async (t) => {
  const cwd = folder(t, { 'conf/my.json': { run: '../s.js', workers: 3, args: ['a'] }, 's.js': TELLING });
  const { app, seen } = await told(t, { cwd, args: ['--config', 'conf/my.json'], target: '--workers=1', appArgs: ['b'] });
  await app.serving(1);
  assert.deepEqual(seen.argv, ['b']);
  assert.equal(seen.cwd, path.join(cwd, 'conf'));
});

test('default < package.json < file < environment < flag', { skip }, (t) => {
  const cwd = folder(t, {
    'package.json': { fettle: { workers: 2, drain: '2s', slow: '2s', 'queue-max': 2 } },
    'fettle.json': { workers: 3, drain: '3s', slow: '3s' },
    'server.js': '',
  });
  const { settings, file } = shown([], { cwd, env: { FETTLE_WORKERS: '4', FETTLE_DRAIN: '4s' } });
  assert.deepEqual(settings.workers, { value: '4', from: 'environment', reloadable: true });
  assert.equal(settings.drain.value, '4s');
  assert.deepEqual(settings.slow, { value: '3s', from: 'file', file: 'fettle.json', line: 4, key: 'slow', reloadable: true });
  assert.deepEqual(settings['queue-max'], { value: '2', from: 'package.json', file: 'package.json', line: 6, key: 'fettle.queue-max', reloadable: true });
  assert.equal(settings['max-body'].from, 'default');
  assert.equal(file, 'fettle.json');
  // A flag, seen in what the start complains about.
  assert.match(fettle(['run', '--max-head', '300', '--max-line', '400', 'server.js'], { cwd }).stderr, /^fettle: --max-line: 400 bytes are more/);
});

test('where the file is looked for', { skip }, (t) => {
  const cwd = folder(t, {
    'package.json': {}, 'fettle.json': { workers: 7 }, 'src/server.js': '', 'packages/x/package.json': {}, 'packages/x/s.js': '',
    'own/fettle.json': { workers: 8 },
  });
  assert.equal(shown(['src'], { cwd }).settings.workers.value, '7');
  assert.equal(shown(['own'], { cwd }).settings.workers.value, '8');
  assert.equal(fettle(['config', 'show', 'packages/x'], { cwd }).status, 3, 'a package of its own has its own settings');
});

test('all mistakes are said, with their lines, and a start ends with 2', { skip }, async (t) => {
  const text = `{
  "wokers": 2,
  "maxMemory": "1G",
  "drain": 10,
  "apps": {
    "shop": { "run": "shop.js",
              "max-block": "1x" },
    "jobs": { "workers": "4" }
  }
}
`;
  const cwd = folder(t, { 'fettle.json': text, 'server.js': '' });
  const expected = [
    [2, 'wokers: unknown setting; did you mean "workers"?'],
    [3, 'maxMemory: unknown setting; its name is written "max-memory"'],
    [4, 'drain: "10" is not a duration; write a number with its unit'],
    [7, 'apps.shop.max-block: "1x" is not a duration'],
    [8, 'apps.jobs.workers: "4" is a text; write a number, "auto", "2-8", or {"least": 2, "most": 8}'],
  ];
  await t.test('config check', () => {
    const got = fettle(['config', 'check'], { cwd });
    assert.equal(got.status, 2);
    for (const [line, what] of expected) assert.ok(got.stdout.includes(`fettle.json:${line}: mistake: ${what}`), got.stdout);
    assert.match(got.stdout, /^fettle\.json: 5 mistakes$/m);
    assert.equal(got.stdout.trimEnd().split('\n').length, 6);
  });
  await t.test('run', () => {
    const got = fettle(['run'], { cwd });
    assert.equal(got.status, 2);
    for (const [line, what] of expected) assert.ok(got.stderr.includes(`fettle: fettle.json:${line}: ${what}`), got.stderr);
  });
});

test('one message for each other mistake', { skip }, async (t) => {
  const cwd = folder(t, {
    'two/fettle.json': {}, 'two/fettle.config.mjs': 'export default {}', 'two/s.js': '',
    'broken/fettle.json': '{\n  // drain\n  "drain": "1s"\n}', 'broken/s.js': '',
    'many/fettle.json': { apps: { shop: { run: 's.js' }, jobs: { run: 's.js' } } }, 'many/s.js': '',
    'differ/fettle.json': { apps: { shop: { run: 's.js', slow: '5s', threads: 2 }, jobs: { run: 's.js', threads: 3 } } }, 'differ/s.js': '',
    'large/fettle.json': `{"name": "x"${' '.repeat(1 << 20)}}`, 'deep/fettle.json': '['.repeat(5000),
    'cross/fettle.json': { 'max-head': '1K', 'max-line': '2K' }, 'cross/s.js': '',
    'cwd/fettle.json': { cwd: 'nowhere', run: 's.js' },
    'gone/fettle.json': { run: 'gone.js' },
    'none/s.js': '', 'yaml/ecosystem.config.yml': 'apps:\n',
  });
  for (const [args, status, says] of [
    [['run', 'two/s.js'], 2, /two has both fettle\.json and fettle\.config\.mjs, and only one may hold the settings/],
    [['run', 'broken/s.js'], 2, /broken\/fettle\.json:2: not valid JSON: .*comments are not possible/],
    [['run', 'many/s.js'], 2, /many\/fettle\.json: many\/s\.js is for one app, and there are several: shop, jobs; say for which one, as in: --app shop/],
    [['run', 'many', '--port', '1'], 2, /--port is for one app/],
    [['run', 'many', '--', 'x'], 2, /what stands after -- is for one app/],
    [['run', 'many', '--app', 'shop,shpo'], 2, /there is no app "shpo"; there are: shop, jobs/],
    [['run', 'differ'], 2, /differ\/fettle\.json:10: apps\.jobs\.threads: app shop and app jobs have two values for it, but one proxy and one monitor/],
    [['config', 'show', 'differ'], 2, /apps\.jobs\.threads: app shop and app jobs/],
    [['run', 'many', '--app', 'shpo'], 2, /there is no app "shpo"; there are: shop, jobs/],
    [['run', 'cross/s.js', '--app', 'x'], 2, /fettle\.json: --app: there is no app "x", since no file with `apps` was found/],
    [['run', 'large'], 2, /large\/fettle\.json: is larger than 1 MiB/],
    [['run', 'deep'], 2, /deep\/fettle\.json:1: not valid JSON: maximum parsing depth reached/],
    [['run', 'cross/s.js'], 2, /cross\/fettle\.json:3: max-line: 2048 bytes are more than max-head/],
    [['run', 'cwd'], 3, /cwd\/fettle\.json:2: cwd: .*\/cwd\/nowhere: No such file or directory/],
    [['run', 'gone'], 3, /there is no file or folder "gone\.js" in .*\/gone;/],
    [['run', '--config', 'cwd/fettle.json', 'gone/fettle.json'], 2, /both --config \(cwd\/fettle\.json\) and gone\/fettle\.json are files of settings; name one/],
    [['run', '--config', 'no.json'], 3, /--config: there is no file "no\.json"/],
    [['run', 'yaml/ecosystem.config.yml'], 2, /ecosystem\.config\.yml: is YAML, which fettle does not read; write it as JSON/],
    [['config', 'check', 'none'], 3, /there is no file of settings: no fettle\.json/],
    [['config', 'check', 'nowhere'], 3, /there is no file or folder "nowhere"/],
    [['config', 'check', 'none/s.js'], 2, /s\.js is no file of settings by its name/],
    [['config'], 2, /check, show or schema/],
    [['config', 'chekc'], 2, /config knows check, show and schema, not "chekc"/],
    [['config', 'show', '--jsno'], 2, /unknown flag --jsno; did you mean --json\?/],
  ])
    await t.test(args.join(' '), () => {
      const got = fettle(args, { cwd });
      assert.match(got.stderr, says);
      assert.equal(got.stderr.trimEnd().split('\n').length, 1, got.stderr);
      assert.equal(got.status, status);
    });
});

test('a file that is right: what can change in a running fettle is said', { skip }, (t) => {
  const cwd = folder(t, { 'fettle.json': { workers: 2, drain: '5s', port: 3000 } });
  const got = fettle(['config', 'check'], { cwd });
  assert.equal(got.stdout, 'fettle.json: no mistakes\nreloadable: workers, drain\nonly at a start: port\n');
  assert.equal(got.status, 0);
});

test('the key of package.json alone', { skip }, (t) => {
  const cwd = folder(t, { 'package.json': { name: 'x', fettle: { workers: 2, drain: 5, run: 's.js' } } });
  const got = fettle(['config', 'check'], { cwd });
  assert.match(got.stdout, /^package\.json:5: mistake: fettle\.drain: "5" is not a duration/);
  assert.match(got.stdout, /^package\.json: 1 mistake$/m);
  assert.equal(got.status, 2);
});

test('a file of any name', { skip }, (t) => {
  const cwd = folder(t, { 'conf/settings': '{ "workers": 2 }', 'conf/a.json': { workers: 3 } });
  assert.match(fettle(['config', 'check', 'conf/settings'], { cwd }).stdout, /conf\/settings: no mistakes/);
  assert.equal(shown(['conf/a.json'], { cwd }).settings.workers.file, 'conf/a.json');
});

test('a token is not shown', { skip }, (t) => {
  const cwd = folder(t, { 'fettle.json': { 'admin-token': 'open-sesame' } });
  for (const args of [['show'], ['show', '--json'], ['check']]) {
    const got = fettle(['config', ...args], { cwd });
    assert.equal(got.status, 0);
    assert.doesNotMatch(got.stdout + got.stderr, /open-sesame/);
  }
  assert.match(fettle(['config', 'show'], { cwd }).stdout, /^admin-token +\(not shown\) +fettle\.json:2$/m);
});

test('one of several apps is run', { skip }, async (t) => {
  const cwd = folder(t, {
    'fettle.json': { drain: '3s', env: { A: 'all', B: 'all' }, apps: { shop: { run: 's.js', env: { A: 'shop' } }, jobs: { run: 'j.js' } } },
    's.js': TELLING,
  });
  const { app, seen } = await told(t, { cwd, args: ['-w', '1', '--app', 'shop'], target: '--drain=2s' });
  assert.equal(seen.env.A, 'shop');
  assert.equal(seen.env.B, 'all');
  assert.equal(JSON.parse((await app.admin('/api/app')).text).name, 'shop');
});

for (const major of MAJORS) {
  const node = nodeOf(major);
  test(`files that are programs, on Node ${major}`, { skip: skip || (!node && 'run scripts/nodes') }, async (t) => {
    const checked = (files, name) => {
      const cwd = folder(t, files);
      return { ...fettle(['config', 'check', name], { cwd, env: { FETTLE_NODE: node } }), cwd };
    };
    const right = 'no mistakes\nreloadable: workers\n';
    for (const [name, text] of [
      ['fettle.config.js', 'module.exports = { workers: 1 + 2 }'],
      ['fettle.config.cjs', 'exports.workers = 3; setInterval(() => {}, 1000); console.log("noise")'],
      ['fettle.config.mjs', 'import os from "node:os"; export default { workers: os.cpus().length && 3 }'],
      ['fettle.config.mjs', 'export default async () => ({ workers: 3, drain: undefined })'],
      ['fettle.config.cjs', 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = { workers: 3 }'],
    ])
      await t.test(text, () => {
        const got = checked({ [name]: text }, name);
        assert.equal(got.stdout, `${name}: ${right}`);
        assert.equal(got.status, 0);
      });
    for (const [name, text, says] of [
      ['fettle.config.js', 'module.exports = {\n  workers: 4 5\n};', /^fettle\.config\.js:2: mistake: SyntaxError: /],
      ['fettle.config.mjs', 'export default {\n  workers: 4 5\n};', /^fettle\.config\.mjs:2: mistake: SyntaxError: /],
      ['fettle.config.mjs', '\n\nexport default { workers: foo };', /^fettle\.config\.mjs:3: mistake: ReferenceError: foo is not defined/],
      ['fettle.config.cjs', 'require("./other.js")', /^other\.js:2: mistake: Error: no/],
      ['fettle.config.cjs', 'throw "a text"', /^fettle\.config\.cjs: mistake: it throws a text/],
      ['fettle.config.cjs', 'module.exports = { apps: { shop: { workers: () => 4 } } }', /mistake: apps\.shop\.workers is a function; a file of settings gives plain data/],
      ['fettle.config.cjs', 'module.exports = { apps: { shop: { wokers: 4 } } }', /^fettle\.config\.cjs: mistake: apps\.shop\.wokers: unknown setting; did you mean "workers"\?/],
      ['fettle.config.cjs', 'module.exports = { slow: new Date() }', /mistake: slow is a Date;/],
      ['fettle.config.cjs', 'const a = {}; a.env = a; module.exports = a', /mistake: env contains itself;/],
      ['fettle.config.mjs', 'export const workers = 3', /mistake: it exports no default; write/],
      ['fettle.config.cjs', 'process.exit(0)', /mistake: it has ended the process \(process\.exit\?\) before/],
      ['fettle.config.cjs', 'module.exports = { name: "x".repeat(2e6) }', /mistake: it gives more than 1 MiB of settings/],
    ])
      await t.test(text, () => {
        const got = checked({ [name]: text, 'other.js': '\nthrow new Error("no")' }, name);
        assert.match(got.stdout, says);
        assert.equal(got.status, 2);
      });
    await t.test('fettle.config.ts', () => {
      const got = checked({ 'fettle.config.ts': 'interface A { workers: number }\nexport default { workers: 3 } as A;' }, 'fettle.config.ts');
      if (major >= 22) assert.equal(got.stdout, `fettle.config.ts: ${right}`);
      else assert.match(got.stdout, new RegExp(`^fettle\\.config\\.ts: mistake: is TypeScript, which node ${major}\\..* cannot run by itself; use Node 22\\.6 or later`));
      assert.equal(got.status, major >= 22 ? 0 : 2);
    });
    await t.test('an app is run with it', async (t) => {
      const cwd = folder(t, { 'fettle.config.mjs': 'export default { run: "s.js", workers: 1, env: { MADE: process.version } }', 's.js': TELLING });
      const app = await startFettle({ t, cwd, node, target: 'fettle.config.mjs' });
      const seen = JSON.parse((await app.get('/')).text);
      assert.match(seen.env.MADE, new RegExp(`^v${major}\\.`));
    });
  });
}

test('a file that never ends is ended, with all that it has started', { skip }, async (t) => {
  const cwd = folder(t, { 'fettle.config.mjs': 'import { spawn } from "node:child_process"; import fs from "node:fs";\nconst child = spawn("sleep", ["100"]); fs.writeFileSync("pid", String(child.pid)); setInterval(() => {}, 1000); await new Promise(() => {})' });
  const got = fettle(['config', 'check'], { cwd });
  assert.match(got.stdout, /^fettle\.config\.mjs: mistake: it has given no settings within 20 s; does it wait for something\?/);
  const pid = Number(fs.readFileSync(path.join(cwd, 'pid'), 'utf8'));
  await poll(() => !alive(pid));
});

const ECOSYSTEM = `module.exports = {
  apps: [{
    name: 'shop', script: './s.js', instances: 2, exec_mode: 'cluster', args: '--a "b c"', node_args: '--max-old-space-size=200',
    watch: true, max_memory_restart: '300M', kill_timeout: 3000, merge_logs: true, filter_env: ['SECRET_'],
    env: { NODE_ENV: 'development', JSONISH: { a: 1 } }, env_production: { NODE_ENV: 'production' },
  }, { name: 'jobs', script: 'npm', args: 'run jobs', cwd: 'jobs' }, { name: 'py', script: 'hello.sh' }],
};`;

test("pm2's ecosystem file runs as it is", { skip }, async (t) => {
  const cwd = folder(t, {
    'ecosystem.config.js': ECOSYSTEM, 's.js': TELLING, 'hello.sh': 'echo "hello from a shell script"',
    'jobs/package.json': { scripts: { jobs: 'node j.js' } }, 'jobs/j.js': TELLING,
  });
  await t.test('an app of it', async (t) => {
    const { app, seen } = await told(t, { cwd, args: ['--only', 'shop', '--env', 'production'], target: 'ecosystem.config.js', env: { SECRET_X: '1', OPEN: '1' } });
    await app.serving(2);
    assert.deepEqual(seen.argv, ['--a', 'b c']);
    assert.equal(seen.env.NODE_ENV, 'production');
    assert.equal(seen.env.JSONISH, '{"a":1}');
    assert.equal(seen.env.OPEN, '1');
    assert.equal(seen.env.SECRET_X, undefined);
    assert.ok(seen.execArgv.includes('--max-old-space-size=200'));
    assert.match(app.output, /fettle: watching 2 folders for changes/);
    assert.match(app.output, /nothing needs to be done for apps\[0\]\.exec_mode, apps\[0\]\.merge_logs/);
    assert.doesNotMatch(app.output, /apps\[1\]/);
  });
  await t.test('one that npm starts, in its folder', async (t) => {
    const { app, seen } = await told(t, { cwd, args: ['--app', 'jobs'], target: 'ecosystem.config.js' });
    await app.serving(1);
    assert.equal(seen.cwd, path.join(cwd, 'jobs'));
    assert.equal(seen.env.npm_lifecycle_event, 'jobs');
  });
  await t.test('one that is no JavaScript', () => {
    const got = fettle(['run', '--admin', 'off', 'ecosystem.config.js', '--app', 'py'], { cwd });
    assert.match(got.stdout, /^1 \| hello from a shell script$/m);
    assert.equal(got.status, 0);
  });
  await t.test('config check says what becomes of each key', () => {
    const got = fettle(['config', 'check', 'ecosystem.config.js'], { cwd });
    assert.equal(got.status, 0);
    assert.match(got.stdout, /^ecosystem\.config\.js: note: apps\[0\]\.exec_mode: /m);
  });
  await t.test('config show tells the settings', () => {
    const { settings, run, app } = shown(['ecosystem.config.js', '--app', 'shop'], { cwd });
    assert.equal(settings.workers.value, '2');
    assert.equal(settings['max-memory'].key, 'apps[0].max_memory_restart');
    assert.equal(settings['kill-after'].value, '3s');
    assert.equal(run, './s.js');
    assert.equal(app, 'shop');
  });
});

test("pm2's other forms", { skip }, async (t) => {
  const cwd = folder(t, {
    'process.json': '{\n  // as pm2 allows\n  apps: [{ script: "s.js", "name": "commented" }],\n}',
    'ecosystem.json': '[\n  { "script": "s.js",\n    "instances": "x" }\n]',
    'pm2.config.mjs': 'export default { script: "s.js", name: "alone", instances: 3 }',
    'any.config.cjs': 'module.exports = { apps: { script: "s.js" }, deploy: {} }',
    'other.json': '{ "pm2": [{ "script": "s.js" }] }',
    's.js': '',
  });
  assert.equal(shown(['process.json'], { cwd }).app, 'commented');
  assert.equal(shown(['pm2.config.mjs'], { cwd }).settings.workers.value, '3');
  assert.equal(shown(['other.json'], { cwd }).settings.workers.value, '1');
  const wrong = fettle(['config', 'check', 'ecosystem.json'], { cwd });
  assert.match(wrong.stdout, /^ecosystem\.json:3: mistake: apps\[0\]\.instances: "x" stands here; write a number, or "max"/);
});

test('a Procfile', { skip }, async (t) => {
  const cwd = folder(t, { Procfile: 'release: exit 1\nweb: node s.js --from $((40+2))\nworker: node s.js --worker\n', 's.js': TELLING });
  const { seen } = await told(t, { cwd, args: ['-w', '1', '--app', 'web'], target: 'Procfile' });
  assert.deepEqual(seen.argv, ['--from', '42']);
  const other = await told(t, { cwd, args: ['-w', '1', '--app', 'worker'], target: 'Procfile' });
  assert.deepEqual(other.seen.argv, ['--worker']);
});

test('several apps: what each is told', { skip }, (t) => {
  const cwd = folder(t, {
    'fettle.json': { drain: '3s', apps: { shop: { run: 's.js', workers: 2 }, jobs: { run: 'j.js' } } },
    'ecosystem.config.js': 'module.exports = { apps: [{ script: "a/index.js" }, { script: "b/index.js", instances: 2 }] }',
  });
  const [shop, jobs] = shown([], { cwd });
  assert.equal(shop.settings.name.value, 'shop');
  assert.equal(shop.settings.workers.value, '2');
  assert.equal(jobs.settings.name.value, 'jobs');
  assert.equal(jobs.settings.drain.value, '3s');
  assert.equal(jobs.run, 'j.js');
  assert.equal(shown(['--app', 'jobs'], { cwd }).run, 'j.js');
  assert.equal(shown(['--app', 'jobs,shop'], { cwd })[1].run, 's.js');
  assert.match(fettle(['config', 'show'], { cwd }).stdout, /^app shop$[^]*^run: s\.js$[^]*^app jobs$[^]*^run: j\.js$/m);
  assert.deepEqual(shown(['ecosystem.config.js'], { cwd }).map(({ settings }) => settings.name.value), ['index', 'index-2']);
  const check = fettle(['config', 'check'], { cwd });
  assert.equal(check.status, 0);
  assert.equal(check.stdout, 'fettle.json: no mistakes\n');
});

test('the JSON Schema accepts what is right and refuses what is wrong', { skip }, async (t) => {
  const { status, stdout } = fettle(['config', 'schema']);
  assert.equal(status, 0);
  const valid = new Ajv({ strict: true, allowUnionTypes: true }).compile(JSON.parse(stdout));
  const good = [
    {}, { $schema: 'x', workers: 4 }, { workers: 'auto', port: 'app' }, { workers: '2-8' }, { workers: { least: 2, most: 8 } }, { 'max-memory': '512MB', 'max-body': 1000000 },
    { 'max-memory': '1.5 GiB' }, { 'max-memory': false, 'max-block': 'off', 'access-log': false, admin: false },
    { drain: '10s', 'queue-timeout': 0, slow: '1.5h' }, { 'node-args': '--a b', 'trust-proxy': ['loopback', '10.0.0.0/8'] },
    { 'node-args': ['--a', 'b'] }, { balance: 'hash:cookie=sid' }, { balance: 'round-robin', log: 'json', 'metrics-prom-client': false },
    { admin: '127.0.0.1:9000' }, { admin: 9000 }, { run: 's.js', args: ['a'], env: { A: '1', B: 2, C: true } },
    { drain: '1s', apps: { shop: { run: 'x', workers: 2 }, jobs: {} } },
  ];
  const bad = [
    [], { workers: '4' }, { workers: '2-' }, { workers: { least: 2 } }, { workers: { least: 2, most: 8, x: 1 } }, { workers: { least: '2', most: 8 } }, { workers: 0 }, { workers: 1.5 }, { workers: null }, { wokers: 1 }, { maxMemory: '1G' }, { 'max-memory': '12Q' },
    { 'max-memory': true }, { drain: 10 }, { drain: '10' }, { drain: '1.s' }, { drain: false }, { log: 'xml' }, { balance: 'fastest' },
    { balance: 'hash:cookie=' }, { 'trust-proxy': 'unix' }, { 'metrics-prom-client': 'on' }, { name: 5 }, { config: 'x' }, { run: '' },
    { args: 'x' }, { env: ['A=1'] }, { env: { A: [1] } }, { env: { FETTLE_A: '1' } }, { apps: [] }, { apps: {} }, { apps: { a: { apps: {} } } },
    { apps: { a: {} }, run: 'x' }, { apps: { a: { wokers: 1 } } }, { admin: true }, { 'node-args': [1] },
  ];
  for (const [value, right] of [...good.map((v) => [v, true]), ...bad.map((v) => [v, false])])
    await t.test(`${right ? 'right' : 'wrong'}: ${JSON.stringify(value)}`, (t) => {
      const cwd = folder(t, { 'fettle.json': value });
      assert.equal(valid(value), right, JSON.stringify(valid.errors));
      assert.equal(fettle(['config', 'check'], { cwd }).status, right ? 0 : 2, 'config check is of the same opinion');
    });
  for (const row of Object.values(JSON.parse(stdout).$defs)) assert.ok(row.description ?? row.properties, JSON.stringify(row));
});

test('doc/pm2.md is what the table says', { skip }, () => {
  assert.equal(fs.readFileSync(path.join(ROOT, 'doc/pm2.md'), 'utf8'), fettle(['__pm2-md']).stdout, 'make doc/pm2.md brings it up to date');
});
