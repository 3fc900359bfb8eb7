// The programs of examples/leaks: the table and the driver are true.

import { test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { MAJORS, nodeOf } from './helpers/fettle.mjs';
import { drive, healthy, table } from '../../examples/leaks/drive.mjs';

test('each leaky program has a row in the table, and a healthy twin', () => {
  const leaky = fs.readdirSync(new URL('../../examples/leaks/leaky', import.meta.url)).sort();
  assert.deepEqual(table().map((row) => path.basename(row.program)).sort(), leaky);
  const twins = healthy().map((name) => path.basename(name));
  assert.deepEqual(leaky.filter((name) => !twins.includes(name)), []);
});

for (const major of MAJORS.filter(nodeOf))
  test(`three snapshots of a program on Node ${major}, in which something grows`, async (t) => {
    const out = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-leaks-'));
    t.after(() => fs.rmSync(out, { recursive: true, force: true }));
    const files = await drive('leaky/array-static.js', { node: nodeOf(major), requests: 20, out });
    const counts = files.map((file) => JSON.parse(fs.readFileSync(file, 'utf8')).snapshot.node_count);
    assert.equal(counts.length, 3);
    assert.ok(counts[2] > counts[1], `objects: ${counts}`);
  });
