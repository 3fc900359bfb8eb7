/* Chrome DevTools' code for heap snapshots and CPU profiles (package chrome-devtools-frontend), bundled so that Node can run it:
 * build/heap/devtools.mjs and build/heap/devtools_cpu.mjs.
 *
 *   node test/heap/bundle.mjs     makes them anew if the packages have changed, and prints their paths */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const ROOT = path.join(HERE, '../..');
const PACKAGE = path.join(HERE, 'node_modules/chrome-devtools-frontend');

const ENTRIES = {
  /* What the worker of DevTools' memory panel consists of; the loader reads the file, the manager is its second thread. */
  heap: {
    folder: 'front_end/entrypoints/heap_snapshot_worker',
    text: "export { HeapSnapshotLoader } from './HeapSnapshotLoader.js'; export { SecondaryInitManager } from './HeapSnapshot.js';",
    out: path.join(ROOT, 'build/heap/devtools.mjs'),
  },
  /* What every view of a CPU profile is made from. */
  cpu: {
    folder: 'front_end/models/cpu_profile',
    text: "export { CPUProfileDataModel } from './CPUProfileDataModel.js';",
    out: path.join(ROOT, 'build/heap/devtools_cpu.mjs'),
  },
};

/* DevTools' translations are made when DevTools is built, and the package has none; here they are only for messages of progress. */
const UNTRANSLATED = 'export const i18n = { serializeUIString: (text) => text };';

/* Of the rest of DevTools, only what the worker uses: no module is there for what it does when it is loaded. */
const onlyWhatIsUsed = {
  name: 'only what is used',
  setup(esbuild) {
    esbuild.onResolve({ filter: /\/i18n\/i18n\.js$/ }, () => ({ path: 'i18n', namespace: 'untranslated', sideEffects: false }));
    esbuild.onLoad({ filter: /.*/, namespace: 'untranslated' }, () => ({ contents: UNTRANSLATED }));
    esbuild.onResolve({ filter: /^\.\.?\// }, async ({ path: file, pluginData, ...from }) =>
      pluginData === 'resolving' ? undefined : { ...(await esbuild.resolve(file, { ...from, pluginData: 'resolving' })), sideEffects: false });
  },
};

/** Makes the bundle ('heap' or 'cpu') if there is none of these packages; returns its path. */
export async function bundle(what = 'heap') {
  const { folder, text, out } = ENTRIES[what];
  const stamp = `${out}.stamp`;
  const wanted = readFileSync(path.join(HERE, 'package-lock.json'), 'utf8') + readFileSync(fileURLToPath(import.meta.url), 'utf8');
  if (existsSync(out) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return out;
  if (!existsSync(PACKAGE)) throw new Error("chrome-devtools-frontend is not installed: 'scripts/setup test' installs it");
  const { build } = await import('esbuild');
  mkdirSync(path.dirname(out), { recursive: true });
  const fresh = `${out}.${process.pid}`;
  await build({
    stdin: { contents: text, loader: 'ts', resolveDir: path.join(PACKAGE, folder) },
    outfile: fresh, bundle: true, platform: 'node', format: 'esm', target: 'node22', logLevel: 'warning', plugins: [onlyWhatIsUsed],
  });
  renameSync(fresh, out);
  writeFileSync(stamp, wanted);
  return out;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  for (const what of Object.keys(ENTRIES)) console.log(path.relative(process.cwd(), await bundle(what)));
