/* memlab as a peer: what it does of the same work, as a program of its own.
 *
 *   memlab.mjs load FILE       reads it, dominators and retained sizes; all classes' counts and sizes
 *   memlab.mjs leaks A B C     its leak report of three snapshots: prints how many clusters it found */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const require = createRequire(import.meta.url);
const memlab = require('@memlab/api');

const [what, ...files] = process.argv.slice(2);
if (what === 'load') {
  const heap = await memlab.getFullHeapFromFile(files[0]);
  const classes = new Map();
  heap.nodes.forEach((node) => {
    const it = classes.get(node.name) ?? { count: 0, shallow: 0, retained: 0 };
    it.count++;
    it.shallow += node.self_size;
    it.retained += node.retainedSize;
    classes.set(node.name, it);
  });
  console.log(classes.size);
} else {
  const workDir = mkdtempSync(path.join(tmpdir(), 'fettle-memlab-'));
  try {
    console.log((await memlab.findLeaksBySnapshotFilePaths(...files, { workDir, consoleMode: memlab.ConsoleMode.SILENT })).length);
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}
