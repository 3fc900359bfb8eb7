// Source maps: what src/sourcemap reads is what @jridgewell/trace-mapping reads, for every mapping of maps that real tools
// have made; and the reports of profiles name the sources.

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { BUILD, NODE } from './helpers/fettle.mjs';
import { fettle } from './helpers/inspect.mjs';
import { SOURCES, asWebpack, bundleOf, esbuild, sections, tsc, write } from '../profile/maps.mjs';

const require = createRequire(new URL('../profile/package.json', import.meta.url));
const { FlattenMap, TraceMap, decodedMappings, originalPositionFor } = require('@jridgewell/trace-mapping');

let dir;
before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-map-'));
  write(dir);
});
after(() => fs.rmSync(dir, { recursive: true, force: true }));

/** Each place of a map where something changes, and the places around it, as both read them. */
function compare(file) {
  const map = JSON.parse(fs.readFileSync(file, 'utf8'));
  const folder = `${path.dirname(file)}/`;
  const theirs = map.sections ? new FlattenMap(map, file) : new TraceMap(map, file);
  const places = decodedMappings(theirs).flatMap((segments, line) => [[line, 0], ...segments.flatMap(([column]) => [column - 1, column, column + 1].filter((c) => c >= 0).map((c) => [line, c])), [line, 1e6]]);
  places.push([decodedMappings(theirs).length, 0]);
  const ours = execFileSync(path.join(BUILD, 'test/profile/sourcemap_dump'), [file, folder], { input: places.map(([line, column]) => `${line} ${column}\n`).join(''), encoding: 'utf8', maxBuffer: 1 << 30 }).split('\n');
  let told = 0;
  places.forEach(([line, column], i) => {
    const { source, line: l, column: c, name } = originalPositionFor(theirs, { line: line + 1, column });
    const want = source === null ? '-' : [source, l - 1, c, name ?? ''].join('\t');
    if (source !== null) told++;
    if (ours[i] !== want) assert.equal(ours[i], want, `${file}, ${line}:${column}`);
  });
  return { places: places.length, told };
}

describe('every mapping is read as by trace-mapping', () => {
  test('TypeScript, beside the file and with sourceRoot', () => {
    tsc(dir, '--sourceMap', '--outDir', 'plain');
    assert.ok(compare(path.join(dir, 'plain/app.js.map')).told > 100);
    tsc(dir, '--sourceMap', '--outDir', 'rooted', '--sourceRoot', '/elsewhere/src');
    assert.ok(compare(path.join(dir, 'rooted/hash.js.map')).told > 50);
  });

  test('esbuild, minified with names, of real packages', () => {
    const file = bundleOf(['express', 'fastify', 'socket.io'], path.join(dir, 'big/min.js'), { minify: true });
    const { places } = compare(`${file}.map`);
    assert.ok(places > 100000, String(places));
  });

  test('esbuild, as it is, as webpack names sources, and as parts of an index map', () => {
    const plain = esbuild(dir, { sourcemap: true, outfile: 'a/plain.mjs' }), packed = esbuild(dir, { sourcemap: true, minify: true, outfile: 'a/packed.mjs' });
    asWebpack(packed);
    const [first, second] = [plain, packed].map((file) => JSON.parse(fs.readFileSync(`${file}.map`, 'utf8')));
    for (const lines of [200, 12, 3]) {
      fs.writeFileSync(path.join(dir, 'a/index.map'), JSON.stringify(sections(first, second, lines)));
      assert.ok(compare(path.join(dir, 'a/index.map')).told > 100);
    }
    assert.ok(compare(`${packed}.map`).told > 50);
  });
});

/** Runs a script under Node's profiler, and has the report of it. */
async function reportOf(file, ...flags) {
  const profile = `${file}.cpuprofile`;
  execFileSync(NODE, ['--cpu-prof', '--cpu-prof-dir', path.dirname(file), '--cpu-prof-name', path.basename(profile), file], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } });
  const { code, stdout, stderr } = await fettle(['cpu', 'report', '--json', ...flags, profile]);
  assert.equal(code, 0, stderr);
  return { ...JSON.parse(stdout), stderr };
}

/** The report names the sources: the function, its file, its hot line, and its package. */
function namesSources(report, { hash = path.join(dir, 'src/hash.ts'), twice } = {}) {
  const hot = report.functions.find((f) => f.function === 'checksum');
  assert.ok(hot, JSON.stringify(report.functions.slice(0, 5)));
  assert.deepEqual([hot.file, hot.line], [hash, 3]);
  const lines = report.lines.filter((l) => l.file === hash);
  assert.ok(lines.length && lines.every(({ line }) => line >= 3 && line <= 6), JSON.stringify(report.lines));
  assert.deepEqual(report.packages.map((p) => p.package), ['twice']);
  if (twice) assert.ok(report.functions.some((f) => f.function === 'twice' && f.file === twice));
  assert.equal(report.stderr, '');
}

describe('a report names', () => {
  test('the sources of TypeScript', async () => {
    const report = await reportOf(tsc(dir, '--sourceMap'));
    namesSources(report);
    assert.equal(report.lines.find((l) => l.file.endsWith('hash.ts')).line, 5, 'the hot line');
  });

  test('the generated file with --no-source-maps', async () => {
    const report = await reportOf(tsc(dir, '--sourceMap'), '--no-source-maps');
    assert.equal(report.functions.find((f) => f.function === 'checksum').file, path.join(dir, 'dist/hash.js'));
  });

  test('the sources of a map that is in the script itself', async () => {
    namesSources(await reportOf(tsc(dir, '--inlineSourceMap', '--outDir', 'inline').replace('dist', 'inline')));
  });

  test('the sources and names of a bundle that was made small, and the packages in it', async () => {
    const file = esbuild(dir, { sourcemap: true, minify: true });
    assert.doesNotMatch(fs.readFileSync(file, 'utf8'), /checksum/);
    namesSources(await reportOf(file), { twice: path.join(dir, 'node_modules/twice/index.js') });
  });

  test('webpack’s sources', async () => {
    const file = esbuild(dir, { sourcemap: true, outfile: 'out/webpack.mjs' });
    asWebpack(file);
    namesSources(await reportOf(file), { hash: 'webpack://shop/src/hash.ts', twice: 'webpack://shop/node_modules/twice/index.js' });
  });

  test('the sources of a map that the script does not name', async () => {
    namesSources(await reportOf(esbuild(dir, { sourcemap: 'external', outfile: 'out/hidden.mjs' })));
  });
});

describe('a map that is no use is ignored', () => {
  const broken = {
    'that is cut off': ['{"version":3,"sources":["a', /x\.js\.map: the source map is ignored: offset 26: the file ends too early/],
    'that is none': ['<!doctype html>', /the source map is ignored: offset 0: an object is expected here/],
    'of another version': ['{"version":4,"mappings":""}', /of version 4/],
    'with bytes that are no mappings': ['{"version":3,"sources":["a"],"mappings":"A\\u0000"}', /no base64 VLQ number/],
    'that is a folder': [null, null],
    'that is not there': [undefined, null],
  };
  for (const [what, [text, says]] of Object.entries(broken))
    test(`one ${what}`, async () => {
      const file = path.join(dir, 'broken', 'x.js');
      fs.rmSync(path.dirname(file), { recursive: true, force: true });
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, `function slow() { let n = 0; while (n < 5e7) n++; return n; }\nslow();\n//# sourceMappingURL=x.js.map`);
      fs.writeFileSync(path.join(dir, 'broken/package.json'), '{}');
      if (text) fs.writeFileSync(`${file}.map`, text);
      else if (text === null) fs.mkdirSync(`${file}.map`);
      const report = await reportOf(file);
      assert.ok(report.functions.some((f) => f.function === 'slow' && f.file === file));
      if (says) assert.match(report.stderr, says);
      assert.equal(report.stderr.trim().split('\n').filter(Boolean).length, says ? 1 : 0);
    });
});

test('a profile of allocations names the sources, too', async () => {
  const file = tsc(dir, '--sourceMap');
  const profile = { head: { id: 1, selfSize: 0, callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 },
    children: [{ id: 2, selfSize: 4096, children: [], callFrame: { functionName: 'checksum', scriptId: '1', url: pathToFileURL(path.join(path.dirname(file), 'hash.js')).href, lineNumber: 0, columnNumber: 24 } }] } };
  fs.writeFileSync(path.join(dir, 'x.heapprofile'), JSON.stringify(profile));
  const { code, stdout, stderr } = await fettle(['heap', 'report', '--json', path.join(dir, 'x.heapprofile')]);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).functions.find((f) => f.function === 'checksum').file, path.join(dir, 'src/hash.ts'));
  assert.ok(SOURCES['src/hash.ts'].split('\n')[2].startsWith('export function checksum('));
});
