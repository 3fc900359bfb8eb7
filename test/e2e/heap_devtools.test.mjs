// heap_devtools.test.mjs -- src/heap and Chrome DevTools' own code say the same of a snapshot
//
// test/heap/ has DevTools' code (from npm, bundled for Node), small reference snapshots with what it says of them, and random ones.
// heap_dump tells what src/heap makes of a file, down to each node.

import { before, after, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { BUILD, MAJORS, nodeOf } from './helpers/fettle.mjs';
import { SMALL, asked, expected, names, nodesOf, snapshotOf } from '../heap/corpus.mjs';
import { crafted } from '../heap/crafted.mjs';
import { NODE_FIELDS } from '../heap/devtools.mjs';
import { randomHeap } from '../heap/random.mjs';

const RANDOM = 150;
const folder = mkdtempSync(path.join(tmpdir(), 'fettle-heap-'));
const file = path.join(folder, 'a.heapsnapshot');
const { warn } = console;
before(() => { console.warn = () => {}; }); // DevTools tells of nodes that nothing reaches
after(() => {
  console.warn = warn;
  rmSync(folder, { recursive: true });
});

/* What src/heap says of a file: { expected, nodes }, as asked() gives it for DevTools. */
function dumped(snapshot, { threads } = {}) {
  const nodes = path.join(folder, 'fettle.nodes');
  const out = execFileSync(path.join(BUILD, 'test/heap/heap_dump'), [snapshot, nodes], { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, ...(threads && { HEAP_THREADS: String(threads) }) } });
  return { expected: JSON.parse(out), nodes: readFileSync(nodes, 'utf8') };
}

const inOrder = (classes) =>
  classes.map(({ class: name, script_id, line, column, count, shallow_bytes, retained_bytes, distance }) =>
    JSON.stringify([name, script_id ?? '', line ?? '', column ?? '', { count, shallow_bytes, retained_bytes, distance }])).sort();

function assertSame(ours, theirs, what) {
  const a = ours.nodes.split('\n'), b = theirs.nodes.split('\n');
  assert.equal(a.length, b.length, `${what}: as many nodes`);
  const odd = a.findIndex((line, i) => line !== b[i]);
  if (odd !== -1) {
    const named = (line) => Object.fromEntries(line.split('\t').map((value, i) => [NODE_FIELDS[i], value]));
    assert.deepEqual(named(a[odd]), named(b[odd]), `${what}: node ${odd}`);
  }
  const { v8_heap, total, ...statistics } = theirs.expected.statistics;
  assert.equal(v8_heap + statistics.native, total);
  for (const key of ['nodes', 'edges', 'total_bytes']) assert.equal(ours.expected[key], theirs.expected[key], `${what}: ${key}`);
  assert.deepEqual(ours.expected.statistics, statistics, `${what}: statistics`);
  assert.deepEqual(inOrder(ours.expected.classes), inOrder(theirs.expected.classes), `${what}: classes`);
}

test('what is committed of the reference snapshots is what DevTools’ code says', async () => {
  assert.ok(names().length >= 20);
  for (const name of names()) {
    const { expected: now, nodes } = await asked(snapshotOf(name), folder);
    assert.deepEqual(JSON.parse(JSON.stringify(now)), expected(name), name);
    assert.equal(nodes, nodesOf(name), name);
  }
});

test('the reference snapshots: every node’s sizes, distance, dominator and class, totals, statistics and classes are DevTools’', () => {
  for (const name of names()) {
    writeFileSync(file, zlib.gunzipSync(readFileSync(snapshotOf(name))));
    for (const threads of [1, 2]) assertSame(dumped(file, { threads }), { expected: expected(name), nodes: nodesOf(name) }, name);
  }
});

test(`${RANDOM} random heaps: the same`, async () => {
  for (let seed = 1; seed <= RANDOM; seed++) {
    writeFileSync(file, randomHeap(seed).text());
    assertSame(dumped(file), await asked(file, folder, { more: false }), `random heap ${seed}`);
  }
});

for (const [major, how] of [...MAJORS.map((major) => [major, 'plain']), [22, 'traced'], [24, 'traced'], [26, 'internals']]) {
  test(`a snapshot of Node ${major}, ${how}: the same`, async () => {
    execFileSync(nodeOf(major), [SMALL, file, how]);
    assertSame(dumped(file), await asked(file, folder, { more: false }), `Node ${major}`);
  });
}

const FETTLE = path.join(BUILD, 'fettle');
const heapOf = (...args) => JSON.parse(execFileSync(FETTLE, ['heap', ...args, '--json'], { encoding: 'utf8', maxBuffer: 1 << 28 }));

test('fettle heap summary says what DevTools says', () => {
  for (const name of names()) {
    const want = expected(name), got = heapOf('summary', snapshotOf(name));
    const { v8_heap, total, ...statistics } = want.statistics;
    assert.deepEqual([got.nodes, got.edges, got.total_bytes], [want.nodes, want.edges, want.total_bytes], name);
    assert.equal(total, v8_heap + statistics.native);
    assert.deepEqual(got.statistics, statistics, name);
    const figures = (classes) => classes.map((c) => JSON.stringify([c.class, c.count, c.shallow_bytes, c.retained_bytes, c.distance])).sort();
    assert.deepEqual(figures(got.classes), figures(want.classes), name);
    assert.ok(got.classes.every((c, i) => !i || got.classes[i - 1].retained_bytes >= c.retained_bytes), `${name}: those that retain most come first`);
  }
});

/* { ID: fields } of a reference snapshot, as DevTools has them. */
const nodeTable = (name) => new Map(nodesOf(name).split('\n').slice(0, -1).map((line) => {
  const values = line.split('\t');
  return [Number(values[0]), Object.fromEntries(values.map((value, i) => [NODE_FIELDS[i], NODE_FIELDS[i] === 'class' ? JSON.parse(value) : Number(value)]))];
}));

for (const name of ['node18', 'node22-traced', 'node26', 'chromium', 'page', 'weakmaps', 'layout']) {
  test(`${name}: objects and the paths that hold them are those of DevTools`, () => {
    const nodes = nodeTable(name);
    for (const [id, nearest] of Object.entries(expected(name).nearest)) {
      const want = nodes.get(Number(id)), shown = heapOf('show', snapshotOf(name), `@${id}`);
      assert.deepEqual([shown.class, shown.self_bytes, shown.retained_bytes, shown.distance, shown.dominator_id],
        [want.class, want.self_size, want.retained_size, want.distance, want.dominator_id], `@${id}`);
      for (const { id: holder, edge, edge_type } of nearest)
        assert.ok(shown.held_by.some((by) => by.id === holder && by.edge_type === edge_type && String(by.edge_name) === String(edge)) || shown.held_by_left_out, `@${id} is held by @${holder} ${edge}`);

      const [way] = heapOf('path', snapshotOf(name), `@${id}`).paths;
      assert.equal(way.at(-1).id, Number(id));
      assert.ok(way.length <= want.distance, `@${id}: ${way.length} steps, and the distance is ${want.distance}`);
      assert.equal(nodes.get(way[0].id).distance, 1, `@${id}: the way begins at a root`);
      const [first] = nearest.filter(({ distance }) => distance === want.distance - 1);
      if (first && way.length === want.distance) assert.equal(nodes.get(way.at(-2)?.id ?? 1).distance, first.distance, `@${id}`);
    }
  });
}

test('fettle heap biggest begins with what the root dominates, the largest first', () => {
  for (const name of ['node24', 'chromium', 'interfaces']) {
    const nodes = [...nodeTable(name).values()], root = nodes[0].id;
    const want = nodes.filter((node) => node.dominator_id === root && node.id !== root).map((node) => node.retained_size).sort((a, b) => b - a);
    const got = heapOf('biggest', snapshotOf(name), '--depth', '1', '--top', '5').biggest.filter(({ depth }) => depth === 0);
    assert.ok(got.length);
    for (const { count, retained_bytes } of got) assert.ok(count > 1 || want.includes(retained_bytes), `${name}: ${retained_bytes}`);
    assert.ok(got[0].retained_bytes >= want[0], `${name}: ${got[0].retained_bytes} is less than ${want[0]}`);
  }
});

test('a snapshot whose traces are longer than its header says, which DevTools cannot read, is read', () => {
  const text = crafted.locations.replace('"trace_function_infos":[]', '"trace_function_infos":[1,2,3,4,5,6]').replace('"trace_tree":[]', '"trace_tree":[1,0,0,0,[2,7,"x]",0,[]]]');
  writeFileSync(file, text);
  assert.equal(dumped(file).expected.nodes, expected('locations').nodes);
});
