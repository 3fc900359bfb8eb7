/* The small reference snapshots in corpus/, and what DevTools' code says of each.
 *
 *   build/nodes/24/node test/heap/corpus.mjs             what DevTools says, anew, and the crafted heaps
 *   build/nodes/24/node test/heap/corpus.mjs --excerpts  and the excerpts from real Nodes and Chromium, which are never twice the same
 *
 * NAME.heapsnapshot.gz  the snapshot
 * NAME.json             summary, duplicated strings, filters, retaining paths of some objects
 * NAME.nodes.gz         every node: NODE_FIELDS of devtools.mjs */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import zlib from 'node:zlib';
import { ROOT } from './bundle.mjs';
import { parse } from './craft.mjs';
import { crafted } from './crafted.mjs';
import { snapshotOfPage } from './chrome.mjs';
import { FILTERS, dump, duplicates, filtered, load, paths, summary, unite } from './devtools.mjs';
import { excerpt } from './excerpt.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const CORPUS = path.join(HERE, 'corpus');
export const SMALL = path.join(HERE, 'shapes/small.cjs');
const OURS = ['Session', 'Shape', 'WeakMap', 'WeakSet', 'EventEmitter', 'Timeout', 'ArrayBuffer', 'V8EventListener', 'Detached <li>', '<li class="row odd">', 'HTMLDocument', 'HTMLIFrameElement'];
const RETAINED = 12;

/** Names of the corpus. */
export const names = () => readdirSync(CORPUS).filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5)).sort();
export const snapshotOf = (name) => path.join(CORPUS, `${name}.heapsnapshot.gz`);
export const expected = (name) => JSON.parse(readFileSync(path.join(CORPUS, `${name}.json`), 'utf8'));
/** Every node, a line each. */
export const nodesOf = (name) => zlib.gunzipSync(readFileSync(path.join(CORPUS, `${name}.nodes.gz`))).toString('utf8');

/** { expected, nodes }: what DevTools says of a small file; the rest of it, which may never end for a heap that no V8 would have, with `more`. */
export async function asked(file, folder, { more = true } = {}) {
  const snapshot = await load(file, { threads: 1 });
  unite(snapshot);
  const nodes = path.join(folder, 'nodes');
  dump(snapshot, nodes);
  const text = readFileSync(nodes, 'utf8');
  if (!more) return { expected: summary(snapshot), nodes: text };
  /* Objects from all over the file, whose retaining paths are kept. */
  const ids = text.split('\n').slice(0, -1).map((line) => line.split('\t')).filter(([, , , distance]) => distance > 2 && distance < 1e8).map(([id]) => Number(id));
  const some = ids.filter((_, i) => i % Math.ceil(ids.length / RETAINED) === 0);
  const groups = duplicates(snapshot).map(({ ids: all, ...group }) => ({ ...group, ids: all.slice(0, 20) }));
  return { expected: { ...summary(snapshot), duplicates: groups, filters: filtered(snapshot, FILTERS), nearest: nearest(paths(snapshot, some)) }, nodes: text };
}

/* Of each tree of paths, the length of the shortest and who is first on it. */
const nearest = (trees) => Object.fromEntries(Object.entries(trees).map(([id, tree]) => [id, tree.map(({ id: by, edge, edge_type, distance }) => ({ id: by, edge, edge_type, distance })).slice(0, 8)]));

const pack = (name, text) => writeFileSync(path.join(CORPUS, name), zlib.gzipSync(text, { level: 9 }));

async function excerpts(folder) {
  const raw = path.join(folder, 'raw.heapsnapshot');
  const take = (name, options = {}) => pack(`${name}.heapsnapshot.gz`, excerptText(raw, options));
  for (const [major, how] of [[18, 'plain'], [20, 'plain'], [22, 'plain'], [22, 'traced'], [22, 'internals'], [24, 'plain'], [24, 'traced'], [26, 'plain'], [26, 'internals']]) {
    execFileSync(path.join(ROOT, 'build/nodes', String(major), 'node'), [SMALL, raw, how]);
    take(`node${major}${how === 'plain' ? '' : `-${how}`}`);
  }
  await snapshotOfPage(raw);
  take('chromium', { every: 80 });
}

function excerptText(raw, options) {
  const small = excerpt(parse(readFileSync(raw, 'utf8')), { classes: OURS, ...options });
  return small.text({ root: small.root });
}

async function main() {
  console.warn = () => {};
  mkdirSync(CORPUS, { recursive: true });
  const folder = mkdtempSync(path.join(tmpdir(), 'fettle-corpus-'));
  try {
    if (process.argv.includes('--excerpts')) await excerpts(folder);
    for (const [name, text] of Object.entries(crafted)) pack(`${name}.heapsnapshot.gz`, text);
    for (const file of readdirSync(CORPUS).filter((name) => name.endsWith('.heapsnapshot.gz'))) {
      const name = file.slice(0, -'.heapsnapshot.gz'.length);
      const { expected: answer, nodes } = await asked(snapshotOf(name), folder);
      writeFileSync(path.join(CORPUS, `${name}.json`), `${JSON.stringify(answer)}\n`);
      pack(`${name}.nodes.gz`, nodes);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
