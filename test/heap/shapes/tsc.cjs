/* The TypeScript compiler with rxjs's sources checked, some times over; then its snapshot.
 *
 *   node tsc.cjs OUT PROGRAMS     about 115 MB of snapshot a program
 *
 * Both packages are in test/bench/node_modules (scripts/setup bench). */
'use strict';
const { createRequire } = require('node:module');
const path = require('node:path');
const packages = createRequire(path.join(__dirname, '../../bench/package.json'));
const ts = packages('typescript');

const sources = path.join(path.dirname(packages.resolve('rxjs/package.json')), 'src');
const files = ['.', 'ajax', 'fetch', 'operators', 'testing', 'webSocket'].map((folder) => path.join(sources, folder, 'index.ts'));
const options = { strict: true, noEmit: true, types: [], target: ts.ScriptTarget.ES2019, module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Node10, lib: ['lib.es2018.d.ts', 'lib.dom.d.ts'] };

const [out, programs] = process.argv.slice(2);
globalThis.kept = [];
for (let i = 0; i < Number(programs); i++) {
  const program = ts.createProgram(files, options);
  globalThis.kept.push(program, program.getSemanticDiagnostics());
}
require('node:v8').writeHeapSnapshot(out);
