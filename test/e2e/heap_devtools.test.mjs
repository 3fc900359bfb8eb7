// heap_devtools.test.mjs -- fettle heap and Chrome DevTools' own code say the same of a snapshot
//
// test/heap/ has DevTools' code (from npm, bundled for Node), small reference snapshots with what it says of them, and random ones.

import { before, after, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { asked, expected, names, nodesOf, snapshotOf } from '../heap/corpus.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'fettle-heap-'));
const { warn } = console;
before(() => { console.warn = () => {}; }); // DevTools tells of nodes that nothing reaches
after(() => {
  console.warn = warn;
  rmSync(folder, { recursive: true });
});

test('what is committed of the reference snapshots is what DevTools’ code says', async () => {
  assert.ok(names().length >= 20);
  for (const name of names()) {
    const { expected: now, nodes } = await asked(snapshotOf(name), folder);
    assert.deepEqual(JSON.parse(JSON.stringify(now)), expected(name), name);
    assert.equal(nodes, nodesOf(name), name);
  }
});
