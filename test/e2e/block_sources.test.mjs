// What blocks the event loop is named by its source: TypeScript beside its maps, bundles that were made small, maps in the
// script or beside it, sources that are there or only in the map. Worker threads are loops of their own.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { NODE, startFettle } from './helpers/fettle.mjs';
import { fettle, folder } from './helpers/inspect.mjs';
import { asWebpack, esbuild, tsc } from '../profile/maps.mjs';

const SOURCES = {
  'src/work.ts': `// @ts-nocheck
import { pbkdf2Sync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { spin } from 'twice';

interface Row { id: number; name: string }

const rows: Row[] = Array.from({ length: 60000 }, (_: unknown, id: number): Row => ({ id, name: 'name ' + id }));

export function hashPassword(password: string): string {
  let key;
  for (let i = 0; i < 8; i++) key = pbkdf2Sync(password, 'salt', 60000, 64, 'sha512'); // crypto
  return key.toString('hex');
}

export function writeReport(ms: number): number {
  let bytes = 0;
  for (const until = Date.now() + ms; Date.now() < until;) bytes += JSON.stringify(rows).length; // json
  return bytes;
}

export function readTemplates(ms: number): number {
  let bytes = 0;
  for (const until = Date.now() + ms; Date.now() < until;) bytes += readFileSync(process.execPath, { flag: 'r' }).length; // read
  return bytes;
}

export class Matcher {
  private readonly pattern: RegExp = /^(a+)+$/;

  matches(text: string): boolean {
    return this.pattern.test(text); // regexp
  }
}

export const countPrimes = (ms: number): number => {
  let found: number = 0;
  for (const until = Date.now() + ms; Date.now() < until; found++); // loop
  return found;
};

export function waitFor(ms: number): number {
  return spin(ms); // package
}
`,
  'src/app.ts': `// @ts-nocheck
import { createServer } from 'node:http';
import { Matcher, countPrimes, hashPassword, readTemplates, waitFor, writeReport } from './work.js';

enum Limit { Long = 300 }

const routes: Record<string, () => unknown> = {
  '/crypto': () => hashPassword('secret'),
  '/json': () => writeReport(Limit.Long),
  '/read': () => readTemplates(Limit.Long),
  '/regexp': () => new Matcher().matches('a'.repeat(26) + '!'),
  '/loop': () => countPrimes(Limit.Long),
  '/package': () => waitFor(Limit.Long),
  '/longer': () => countPrimes(8 * Limit.Long),
};

createServer((req, res) => res.end(String(routes[req.url ?? '']?.() ?? 'fine'))).listen(process.env.PORT);
`,
  'node_modules/twice/index.js': `export function spin(ms) {
  let turns = 0;
  for (const until = Date.now() + ms; Date.now() < until;) turns++;
  return turns;
}
`,
  'node_modules/twice/package.json': '{"name":"twice","type":"module","exports":"./index.js"}\n',
  'package.json': '{"type":"module"}\n',
};
const WORK = SOURCES['src/work.ts'].split('\n');
const lineOf = (mark) => WORK.findIndex((line) => line.endsWith(`// ${mark}`)) + 1;
/** The kind, and the function. */
const BLOCKS = {
  crypto: ['sync-crypto', 'hashPassword'],
  json: ['json', 'writeReport'],
  read: ['sync-io', 'readTemplates'],
  regexp: ['regexp', 'matches'],
  loop: ['javascript', 'countPrimes'],
  package: ['javascript', 'waitFor'],
};

function write(dir) {
  for (const [name, text] of Object.entries(SOURCES)) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), text);
  }
  return dir;
}

async function start(t, target) {
  const runtime = folder(t);
  const run = await startFettle({
    t,
    target,
    node: NODE,
    args: ['-w', '1', '--block', '50ms', '--warn-block', 'off', '--max-block', 'off'],
    env: { FETTLE_RUNTIME_DIR: runtime },
  });
  await run.serving(1);
  await run.get('/'); // it has started
  const findings = async () => {
    const { code, stdout, stderr } = await fettle(['findings', '--json'], { env: { FETTLE_RUNTIME_DIR: runtime } });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout).findings;
  };
  return { run, findings };
}

/** Each block is told by the file, line, function and text of its source. */
async function namesSources(t, target, { file, functions = true, blocks = Object.keys(BLOCKS) }) {
  const { run, findings } = await start(t, target);
  const seen = new Set();
  for (const what of blocks) {
    assert.equal((await run.get(`/${what}`)).status, 200);
    const found = await run.until(async () => (await findings()).find(({ id }) => !seen.has(id)), { what: `the finding of /${what}` });
    seen.add(found.id);
    const [kind, name] = BLOCKS[what], { place } = found;
    assert.deepEqual(
      { kind: found.kind, file: place?.file, line: place?.line, source: place?.source?.trim() },
      { kind: `blocked-loop/${kind}`, file, line: lineOf(what), source: WORK[lineOf(what) - 1].trim() },
      JSON.stringify(found, null, 1),
    );
    if (functions) assert.equal(place.function?.split(/[. ]/).at(-1), name, JSON.stringify(found, null, 1));
    assert.ok(found.text.includes(`${file}:${lineOf(what)}`), found.text);
  }
  assert.ok(run.lines.some((line) => line.includes(`, at ${file}:${lineOf(blocks[0])} (blocked-loop/`)), run.lines.join('\n'));
}

test('TypeScript, as ES modules beside their maps', async (t) => {
  const dir = write(folder(t));
  await namesSources(t, tsc(dir, '--sourceMap'), { file: path.join(dir, 'src/work.ts') });
});

test('a bundle that was made small, its map beside it', async (t) => {
  const dir = write(folder(t));
  const bundle = esbuild(dir, { sourcemap: true, minify: true });
  await namesSources(t, bundle, { file: path.join(dir, 'src/work.ts') });
});

test('a block that lasts is shown in its sources', async (t) => {
  const dir = write(folder(t));
  const { run } = await start(t, tsc(dir, '--sourceMap'));
  const asked = run.get('/longer');
  const text = await run.until(async () => (await run.admin('/api/findings')).json().blocked.find(({ text }) => text)?.text, { what: 'its stack' });
  assert.match(text, new RegExp(`^at countPrimes \\(${path.join(dir, 'src/work.ts')}:${lineOf('loop')}:\\d+\\)\nat `));
  assert.ok(text.includes(path.join(dir, 'src/app.ts')) && text.split('\n').length <= 13, text);
  assert.equal((await asked).status, 200);
});

test('a CommonJS bundle with the map in itself, and the sources nowhere else', async (t) => {
  const dir = write(folder(t));
  const bundle = esbuild(dir, { sourcemap: 'inline', format: 'cjs', outfile: 'out/bundle.cjs' });
  fs.rmSync(path.join(dir, 'src'), { recursive: true });
  await namesSources(t, bundle, { file: path.join(dir, 'src/work.ts'), blocks: ['json', 'package'] });
});

test('webpack’s names of sources', async (t) => {
  const dir = write(folder(t));
  const bundle = esbuild(dir, { sourcemap: true });
  asWebpack(bundle);
  await namesSources(t, bundle, { file: 'webpack://shop/src/work.ts', blocks: ['crypto', 'package'] });
});

test('a map that is no use: the script is told', async (t) => {
  const dir = write(folder(t));
  const bundle = esbuild(dir, { sourcemap: true });
  fs.writeFileSync(`${bundle}.map`, '{"version":3,"sources":["a"],"mappings":"!"}');
  const { run, findings } = await start(t, bundle);
  await run.get('/crypto');
  const [{ kind, place }] = await run.until(async () => (await findings()).length && findings(), { what: 'the finding' });
  assert.deepEqual([kind, place.file, place.function], ['blocked-loop/sync-crypto', bundle, 'hashPassword']);
});
