/* Big snapshots, for the bench and for trying things out: the same programs give nearly the same each time.
 *
 *   build/nodes/22/node test/heap/generate.mjs 130 700     those of FILES, into build/heap/big/ (after scripts/setup bench)
 *   build/nodes/22/node test/heap/generate.mjs             tells what there is */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ROOT } from './bundle.mjs';

const SHAPES = path.join(path.dirname(fileURLToPath(import.meta.url)), 'shapes');
const FOLDER = path.join(ROOT, 'build/heap/big');

/** By their size in MB, as near as it comes: what it is of, how it is made. */
export const FILES = {
  20: { of: 'Express app', shape: 'express', count: 3 },
  130: { of: 'tsc', shape: 'tsc', args: ['1'] },
  180: { of: 'maps and arrays', shape: 'maps', args: ['242000'] },
  700: { of: 'tsc', shape: 'tsc', args: ['6'] },
  1400: { of: 'maps and arrays', shape: 'maps', args: ['1810000'] },
  1800: { of: 'tsc', shape: 'tsc', args: ['16'] },
};
const NODE = path.join(ROOT, 'build/nodes/24/node');

const names = (size) => Array.from({ length: FILES[size].count ?? 1 }, (_, i) => path.join(FOLDER, `${size}${i ? `-${i + 1}` : ''}.heapsnapshot`));

/** The files of a size, made when they are not there: paths; of one that has several, in the order of time. */
export function generated(size, log = () => {}) {
  const { of, shape, args = [] } = FILES[size];
  const files = names(size);
  if (files.every(existsSync)) return files;
  log(`making a snapshot of ${size} MB: ${of}`);
  mkdirSync(FOLDER, { recursive: true });
  const fresh = files.map((file) => `${file}.${process.pid}`);
  execFileSync(NODE, ['--max-old-space-size=12000', path.join(SHAPES, `${shape}.cjs`), ...fresh, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  fresh.forEach((file, i) => renameSync(file, files[i]));
  return files;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const sizes = process.argv.slice(2);
  const unknown = sizes.find((size) => !FILES[size]);
  if (unknown || !sizes.length) {
    console.error(`${unknown ? `there is no "${unknown}"; ` : ''}there are:`);
    for (const [size, { of }] of Object.entries(FILES)) console.error(`  ${size.padStart(5)} MB  ${of}`);
    process.exit(unknown ? 2 : 0);
  }
  for (const size of sizes)
    for (const file of generated(size, (text) => console.error(text))) console.log(`${path.relative(process.cwd(), file)}  ${(statSync(file).size / 1e6).toFixed(1)} MB`);
}
