/* What Chrome DevTools' own code says of a heap snapshot, as JSON.
 *
 *   build/nodes/24/node --max-old-space-size=16000 test/heap/devtools.mjs FILE      nodes, edges, total_bytes, statistics, classes
 *     --dump OUT          and every node, a line each, in the file's order: see NODE_FIELDS
 *     --diff BASE         and what FILE has more and less than BASE, class by class
 *     --paths ID          and the shortest retaining paths of the object with this id (repeatable)
 *     --dominators ID     and its chain of dominators up to the root (repeatable)
 *     --duplicates        and the strings that are there more than once
 *     --filter NAME       and the classes of what a named filter of DevTools lets through (repeatable): see FILTERS
 *     --united            with equal classes as one: see unite()
 *     --quiet             prints nothing: for measuring
 *
 * FILE may end in .gz or .zst. Half of the work is done by a second thread, as in DevTools. */
import { closeSync, createReadStream, openSync, realpathSync, writeSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, Worker, isMainThread, workerData } from 'node:worker_threads';
import { parseArgs } from 'node:util';
import { setImmediate as turn } from 'node:timers/promises';
import { StringDecoder } from 'node:string_decoder';
import zlib from 'node:zlib';
import { bundle } from './bundle.mjs';

/** What --dump writes of a node, separated by tabs; the class is a JSON string. Distances: -5 is never reached, 100000000 and more is not from the user's roots. */
export const NODE_FIELDS = ['id', 'self_size', 'retained_size', 'distance', 'dominator_id', 'detachedness', 'class'];
export const FILTERS = ['objectsRetainedByContexts', 'objectsRetainedByDetachedDomNodes', 'objectsRetainedByConsole', 'objectsRetainedByEventHandlers',
  'duplicatedStrings', 'sharedNativeContext', 'noNativeContext'];

/* DevTools reads files in pieces of this size. */
const CHUNK = 10_000_000;

/* The file's bytes, unpacked. */
function bytesOf(file) {
  const stream = createReadStream(file, { highWaterMark: CHUNK });
  const unpack = file.endsWith('.gz') ? zlib.createGunzip : file.endsWith('.zst') ? zlib.createZstdDecompress : null;
  return unpack ? stream.pipe(unpack({ chunkSize: CHUNK })) : stream;
}

/** Loads a snapshot: a JSHeapSnapshot of DevTools. With one thread, small files need less time. */
export async function load(file, { threads = 2 } = {}) {
  const { HeapSnapshotLoader, SecondaryInitManager } = await import(pathToFileURL(await bundle()));
  const loader = new HeapSnapshotLoader({ sendEvent: () => {} });
  const decoder = new StringDecoder('utf8');
  for await (const bytes of bytesOf(file)) {
    loader.write(decoder.write(bytes));
    await turn(); /* so that the loader eats it */
  }
  loader.write(decoder.end());
  loader.close();
  const { port1, port2 } = new MessageChannel();
  const second = threads > 1 ? new Worker(fileURLToPath(import.meta.url), { workerData: { port: port2 }, transferList: [port2] }) : null;
  if (!second) new SecondaryInitManager(port2);
  try {
    return await loader.buildSnapshot(port1);
  } finally {
    port1.close();
    await second?.terminate();
  }
}

/* In the second thread. */
async function assist(port) {
  const { SecondaryInitManager } = await import(pathToFileURL(await bundle()));
  new SecondaryInitManager(port);
}

/**
 * Classes of one name as one class. DevTools tells them by the index of their name, and strings that it adds itself have new ones: when an
 * object's constructor is called Function, there are two such classes under one key, and its table shows only the later one, which hides all
 * functions of the app. This is the one thing in which fettle's classes differ from DevTools'.
 */
export function unite(snapshot) {
  const first = new Map(), canonical = new Map();
  const node = snapshot.createNode(0);
  for (let ordinal = 0; ordinal < snapshot.nodeCount; ordinal++) {
    node.nodeIndex = ordinal * snapshot.nodeFieldCount;
    const index = node.classIndex();
    let same = canonical.get(index);
    if (same === undefined) {
      const name = node.className();
      if (!first.has(name)) first.set(name, index);
      canonical.set(index, (same = first.get(name)));
    }
    if (same !== index) node.setClassIndex(same);
  }
}

const place = (key) => /^(\d+),(\d+),(\d+),/.exec(key)?.slice(1).map(Number);

/* Aggregates in a stable order: what retains most comes first. */
const classesOf = (aggregates) =>
  Object.entries(aggregates)
    .map(([key, { name, count, self, maxRet, distance }]) => {
      const [script_id, line, column] = place(key) ?? [];
      return { class: name, ...(script_id !== undefined && { script_id, line, column }), count, shallow_bytes: self, retained_bytes: maxRet, distance };
    })
    .sort((a, b) => b.retained_bytes - a.retained_bytes || b.shallow_bytes - a.shallow_bytes || b.count - a.count ||
      (a.class < b.class ? -1 : a.class > b.class ? 1 : 0) || (a.script_id ?? 0) - (b.script_id ?? 0) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));

/** Totals, statistics and classes. */
export function summary(snapshot) {
  const { total, native, v8heap } = snapshot.getStatistics();
  return {
    nodes: snapshot.nodeCount,
    edges: snapshot.containmentEdges.length / snapshot.edgeFieldsCount,
    total_bytes: snapshot.totalSize,
    statistics: {
      code: v8heap.code, strings: v8heap.strings, js_arrays: v8heap.jsArrays, typed_arrays: native.typedArrays, system: v8heap.system, native: native.total,
      v8_heap: v8heap.total, total,
    },
    classes: classesOf(snapshot.aggregatesWithFilter({})),
  };
}

/** Writes every node to a file: NODE_FIELDS. */
export function dump(snapshot, file) {
  const out = openSync(file, 'w');
  const names = new Map();
  const node = snapshot.createNode(0), dominator = snapshot.createNode(0);
  let lines = [];
  for (let ordinal = 0; ordinal < snapshot.nodeCount; ordinal++) {
    node.nodeIndex = ordinal * snapshot.nodeFieldCount;
    dominator.nodeIndex = node.dominatorIndex();
    const index = node.classIndex();
    let name = names.get(index);
    if (name === undefined) names.set(index, (name = JSON.stringify(node.className())));
    lines.push(`${node.id()}\t${node.selfSize()}\t${node.retainedSize()}\t${node.distance()}\t${dominator.id()}\t${node.detachedness()}\t${name}\n`);
    if (lines.length === 16384) {
      writeSync(out, lines.join(''));
      lines = [];
    }
  }
  writeSync(out, lines.join(''));
  closeSync(out);
}

/** What `snapshot` has more and less than `base`, as DevTools' comparison shows it. */
export function diff(snapshot, base) {
  const diffs = snapshot.calculateSnapshotDiff(1, base.aggregatesForDiff(snapshot.interfaceDefinitions()));
  return Object.entries(diffs)
    .map(([key, d]) => {
      const [script_id, line, column] = place(key) ?? [];
      return { class: d.name, ...(script_id !== undefined && { script_id, line, column }), added_count: d.addedCount, removed_count: d.removedCount,
        added_bytes: d.addedSize, removed_bytes: d.removedSize, count_delta: d.countDelta, bytes_delta: d.sizeDelta };
    })
    .sort((a, b) => b.bytes_delta - a.bytes_delta || b.added_bytes - a.added_bytes || (a.class < b.class ? -1 : a.class > b.class ? 1 : 0) ||
      (a.script_id ?? 0) - (b.script_id ?? 0) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function indexOf(snapshot, id) {
  const index = snapshot.nodeIndexForId(id);
  if (index === undefined) throw new Error(`there is no object @${id}`);
  return index;
}

const pathStep = ({ edgeName, edgeType, nodeId, nodeName, distance, children }) =>
  ({ edge: edgeName, edge_type: edgeType, id: nodeId, name: nodeName, distance, retainers: children.map(pathStep) });

/** { ID: retaining paths as a tree, nearest first }. */
export const paths = (snapshot, ids) => Object.fromEntries(ids.map((id) => [id, snapshot.getRetainingPaths(indexOf(snapshot, id)).paths.map(pathStep)]));

/** { ID: [its dominators, itself first] }. */
export const dominators = (snapshot, ids) =>
  Object.fromEntries(ids.map((id) => [id, snapshot.getDominatorsOf(indexOf(snapshot, id))
    .map(({ nodeId, nodeName, retainedSize, selfSize }) => ({ id: nodeId, name: nodeName, retained_bytes: retainedSize, shallow_bytes: selfSize }))]));

/** Groups of equal strings, those that retain most first. */
export const duplicates = (snapshot) =>
  snapshot.getDuplicateStrings()
    .map(({ value, count, totalSelfSize, totalRetainedSize, truncated, length, nodes }) =>
      ({ value, count, shallow_bytes: totalSelfSize, retained_bytes: totalRetainedSize, truncated, ...(truncated && { length }), ids: nodes.map(({ id }) => id).sort((a, b) => a - b) }))
    .sort((a, b) => b.retained_bytes - a.retained_bytes || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0) || (a.length ?? 0) - (b.length ?? 0) || a.ids[0] - b.ids[0]);

/** { NAME: classes of what the filter lets through }. */
export const filtered = (snapshot, names) => Object.fromEntries(names.map((name) => [name, classesOf(snapshot.aggregatesWithFilter({ filterName: name }))]));

async function main() {
  const { values: options, positionals: [file, ...more] } = parseArgs({
    allowPositionals: true,
    options: {
      dump: { type: 'string' }, diff: { type: 'string' }, paths: { type: 'string', multiple: true }, dominators: { type: 'string', multiple: true },
      duplicates: { type: 'boolean' }, filter: { type: 'string', multiple: true }, united: { type: 'boolean' }, quiet: { type: 'boolean' },
    },
  });
  if (!file || more.length) {
    console.error('devtools.mjs FILE [--dump OUT] [--diff BASE] [--paths ID] [--dominators ID] [--duplicates] [--filter NAME] [--united] [--quiet]');
    process.exit(2);
  }
  const snapshot = await load(file);
  if (options.united) unite(snapshot);
  const answer = summary(snapshot);
  if (options.dump) dump(snapshot, options.dump);
  if (options.paths) answer.paths = paths(snapshot, options.paths.map(Number));
  if (options.dominators) answer.dominators = dominators(snapshot, options.dominators.map(Number));
  if (options.duplicates) answer.duplicates = duplicates(snapshot);
  if (options.filter) answer.filters = filtered(snapshot, options.filter);
  if (options.diff) answer.diff = diff(snapshot, await load(options.diff));
  if (!options.quiet) process.stdout.write(`${JSON.stringify(answer, null, 1)}\n`);
}

if (!isMainThread && workerData?.port) await assist(workerData.port);
else if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) await main();
