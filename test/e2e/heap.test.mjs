// heap.test.mjs -- fettle heap summary, biggest, show and path, as they are typed

import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { BUILD, NODE } from './helpers/fettle.mjs';

const PROGRAM = `
const v8 = require('node:v8');
class Session { constructor(id) { this.id = id; this.user = { name: 'user ' + id, roles: ['buyer'] }; } }
const sessions = new Map();
exports.login = (id) => { sessions.set(id, new Session(id)); };
for (let id = 0; id < 3000; id++) exports.login(id);
v8.writeHeapSnapshot(process.argv[2]);
`;

let folder;
let file;

before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-heap-'));
  file = path.join(folder, 'app.heapsnapshot');
  fs.writeFileSync(path.join(folder, 'sessions.js'), PROGRAM);
  execFileSync(NODE, [path.join(folder, 'sessions.js'), file]);
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** What `fettle heap …` says and how it ends. */
function heap(args, options = {}) {
  const { status, stdout, stderr } = spawnSync(path.join(BUILD, 'fettle'), ['heap', ...args], { encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 28, ...options });
  return { status, stdout, stderr };
}

function json(args, options) {
  const { status, stdout, stderr } = heap([...args, '--json'], options);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test('a summary has totals, statistics and classes', () => {
  const summary = json(['summary', file]);
  const session = summary.classes.find((c) => c.class === 'Session');
  assert.equal(session.count, 3000);
  assert.ok(session.retained_bytes > session.shallow_bytes);
  assert.equal(session.line, 3);
  assert.ok(summary.classes.some((c) => c.class.startsWith('{name, roles') && c.count >= 3000));
  assert.deepEqual(Object.keys(summary.statistics), ['code', 'strings', 'js_arrays', 'typed_arrays', 'system', 'native']);
  assert.ok(summary.total_bytes > 1e6 && summary.nodes > 1e4 && summary.edges > summary.nodes);
  const retained = summary.classes.map((c) => c.retained_bytes);
  assert.deepEqual(retained, retained.toSorted((a, b) => b - a));
});

test('a compressed file, and one from a pipe, say the same', () => {
  const plain = heap(['summary', '--json', file]).stdout;
  const bytes = fs.readFileSync(file);
  fs.writeFileSync(`${file}.gz`, zlib.gzipSync(bytes, { level: 1 }));
  assert.equal(heap(['summary', '--json', `${file}.gz`]).stdout, plain);
  assert.equal(heap(['summary', '--json', '-'], { input: bytes }).stdout, plain);
  assert.equal(heap(['summary', '--json', '-'], { input: zlib.gzipSync(bytes, { level: 1 }) }).stdout, plain);
  /* A frame of zstd that holds the bytes as they are: RFC 8878, raw blocks. */
  const blocks = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])];
  for (let at = 0; at < bytes.length; at += 65536) {
    const block = bytes.subarray(at, at + 65536);
    const head = (block.length << 3) | (at + 65536 >= bytes.length ? 1 : 0);
    blocks.push(Buffer.from([head & 255, (head >> 8) & 255, head >> 16]), block);
  }
  fs.writeFileSync(`${file}.zst`, Buffer.concat(blocks));
  assert.equal(heap(['summary', '--json', `${file}.zst`]).stdout, plain);
});

test('the biggest holder is named with the variable that holds it and the line of what it holds', () => {
  const { stdout, status } = heap(['biggest', '--top', '20', file]);
  assert.equal(status, 0);
  assert.match(stdout, /Map @\d+/);
  assert.match(stdout, /3000 × Session .*sessions\.js:3:/);
  const { biggest } = json(['biggest', '--top', '30', file]);
  assert.equal(biggest.length, 30);
  biggest.forEach((b, i) => {
    assert.ok(b.parent === null ? b.depth === 0 : b.parent < i && biggest[b.parent].depth === b.depth - 1);
    if (b.parent !== null) assert.ok(b.retained_bytes <= biggest[b.parent].retained_bytes);
  });
});

test('an object is shown, and why it is still there', () => {
  const map = json(['biggest', '--top', '50', file]).biggest.find((b) => b.class === 'Map' && b.retained_bytes > 3e5);
  const shown = json(['show', file, `@${map.id}`]);
  assert.equal(shown.class, 'Map');
  assert.ok(shown.fields.some((f) => f.edge_name === 'table'));
  assert.ok(shown.held_by.some((f) => f.edge_type === 'context' && f.edge_name === 'sessions'));
  const { paths } = json(['path', file, String(map.id), '--all', '3']);
  assert.equal(paths.length, 3);
  for (const steps of paths) {
    assert.equal(steps.at(-1).id, map.id);
    assert.equal(steps[0].edge_name, undefined);
  }
  assert.ok(paths[0].length <= paths[1].length && paths[1].length <= paths[2].length);
  assert.ok(paths.some((steps) => steps.at(-1).edge_type === 'context' && steps.at(-1).edge_name === 'sessions'));
  assert.match(heap(['path', file, `@${map.id}`, '--all', '3']).stdout, /variable sessions → Map @\d+/);
});

test('two snapshots of two visits, whose ids differ, are compared by the places of objects', async (t) => {
  const program = path.join(folder, 'growing.js');
  fs.writeFileSync(program, `
class Session { constructor(id) { this.id = id; this.user = { name: 'user ' + id }; } }
const sessions = new Map();
const login = (id) => sessions.set(id, new Session(id));
for (let id = 0; id < 500; id++) login(id);
process.on('SIGUSR2', () => { for (let id = 500; id < 2500; id++) login(id); console.log('more'); });
setInterval(() => {}, 1000);
console.log('ready');
`);
  const child = spawn(NODE, ['--inspect-port=0', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const says = (text) => new Promise((resolve) => child.stdout.on('data', (data) => String(data).includes(text) && resolve()));
  await says('ready');
  const [before, later] = ['before', 'later'].map((name) => path.join(folder, `${name}.heapsnapshot`));
  assert.equal(heap(['snapshot', String(child.pid), '-o', before]).status, 0);
  const more = says('more');
  child.kill('SIGUSR2');
  await more;
  assert.equal(heap(['snapshot', String(child.pid), '-o', later]).status, 0);
  const diff = json(['diff', before, later]);
  assert.equal(diff.matched_by, 'place');
  assert.equal(diff.same_process, true);
  const session = diff.classes.find((c) => c.class === 'Session');
  assert.deepEqual([session.added_count, session.removed_count], [2000, 0]);
  assert.match(heap(['diff', before, later]).stdout, /matched by their places/);
  const stranger = json(['diff', file, later]);
  assert.equal(stranger.same_process, false);
});

test('what is wrong is said in one line, with exit status 2', () => {
  const bytes = fs.readFileSync(file);
  const cut = path.join(folder, 'cut.heapsnapshot');
  const cases = [
    [['summary', path.join(folder, 'none')], /none: cannot be opened: No such file/],
    [['summary', folder], /is a folder; a file is needed/],
    [['summary', path.join(folder, 'sessions.js')], /there is no "snapshot" from offset 0 on: this is no V8 heap snapshot/],
    [['summary'], /heap summary needs a FILE/],
    [['summary', file, file], /one word too many/],
    [['show', file, 'x'], /"x" is no object; write its id/],
    [['path', file, '@4000000000'], /there is no object @4000000000 in this snapshot/],
    [['summry', file], /"summry".*summary/],
  ];
  for (const share of [0.1, 0.5, 0.9, 0.999]) {
    fs.writeFileSync(cut, bytes.subarray(0, bytes.length * share));
    const { status, stderr, stdout } = heap(['summary', cut]);
    assert.equal(status, 2, `cut at ${share}: ${stderr}`);
    assert.match(stderr, /^fettle: .*cut\.heapsnapshot: .*cut off.*\n$/);
    assert.equal(stdout, '');
  }
  for (const [args, wanted] of cases) {
    const { status, stderr } = heap(args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, wanted);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  }
  assert.match(heap(['summary', '-'], { input: zlib.gzipSync('nothing') }).stderr, /does not begin as a V8 heap snapshot/);
  assert.match(heap(['summary', '-'], { input: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]) }).stderr, /zstd/);
});

test('each command explains itself with an example', () => {
  for (const command of ['summary', 'biggest', 'show', 'path']) {
    const { stdout, status } = heap([command, '--help']);
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`fettle heap ${command} `));
  }
});
