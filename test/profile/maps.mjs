// maps.mjs -- source maps of real tools: TypeScript and esbuild, over a small program and over what is in node_modules

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const HERE = path.dirname(fileURLToPath(import.meta.url));

/** What the program is called in its sources; `checksum` is hot, in line 5 of src/hash.ts. */
export const SOURCES = {
  'src/hash.ts': `export interface Job { text: string; rounds: number }

export function checksum(job: Job): number {
  let sum = 0;
  for (let i = 0; i < job.rounds; i++) sum = (sum * 31 + job.text.charCodeAt(i % job.text.length)) | 0;
  return sum;
}
`,
  'src/app.ts': `import { checksum, type Job } from './hash.js';
import { twice } from 'twice';

enum Size { Small = 1, Large = 3e7 }

class Runner {
  constructor(private readonly job: Job) {}

  runAll(): number {
    const each = (n: number): number => checksum({ ...this.job, rounds: n });
    return each(Size.Small) + each(Size.Large) + twice(Size.Large);
  }
}

console.log(new Runner({ text: 'fettle', rounds: 1 }).runAll());
`,
  'node_modules/twice/index.js': `export function twice(n) {
  let product = 1;
  for (let i = 0; i < n; i++) product = (product * 7 + i) | 0;
  return product;
}
`,
  'node_modules/twice/index.d.ts': 'export declare function twice(n: number): number;\n',
  'node_modules/twice/package.json': '{"name":"twice","type":"module","exports":{".":{"types":"./index.d.ts","default":"./index.js"}}}\n',
  'package.json': '{"type":"module"}\n',
};

/** Writes the program to a folder. */
export function write(folder) {
  for (const [name, text] of Object.entries(SOURCES)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
}

/** dist/*.js of TypeScript. */
export function tsc(folder, ...flags) {
  const program = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [program, '--rootDir', 'src', '--outDir', 'dist', '--module', 'nodenext', '--target', 'es2022', '--types', '', ...flags, 'src/app.ts'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  return path.join(folder, 'dist/app.js');
}

/** One file of esbuild. */
export function esbuild(folder, options) {
  const outfile = path.join(folder, options.outfile ?? 'out/bundle.mjs');
  require('esbuild').buildSync({ absWorkingDir: folder, entryPoints: ['src/app.ts'], bundle: true, platform: 'node', format: 'esm', logLevel: 'error', ...options, outfile });
  return outfile;
}

/** As webpack writes it: sources are webpack://NAME/./… */
export function asWebpack(file) {
  const map = JSON.parse(fs.readFileSync(`${file}.map`, 'utf8'));
  map.sources = map.sources.map((source) => `webpack://shop/./${source.replace(/^(\.\.\/)+/, '')}`);
  fs.writeFileSync(`${file}.map`, JSON.stringify(map));
}

/** Two maps as one with sections, the second `lines` lower. */
export function sections(first, second, lines) {
  return { version: 3, sections: [{ offset: { line: 0, column: 0 }, map: first }, { offset: { line: lines, column: 0 }, map: second }] };
}

/** Bundles of real packages: large maps with names. */
export function bundleOf(what, outfile, options) {
  require('esbuild').buildSync({ stdin: { contents: what.map((name) => `import ${JSON.stringify(name)};`).join('\n'), resolveDir: path.join(HERE, '../..') }, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error', sourcemap: true, outfile, ...options });
  return outfile;
}
