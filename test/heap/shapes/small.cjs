/* A bit of everything that an app has on its heap; then its snapshot.
 *
 *   node small.cjs OUT [plain|traced|internals] */
'use strict';
const { createWriteStream } = require('node:fs');
const v8 = require('node:v8');
const { EventEmitter } = require('node:events');
const { Worker } = require('node:worker_threads');

class Session {
  constructor(id) {
    this.id = id;
    this.user = `user ${id}`;
    this.seen = [id, id + 0.5, { at: id, by: 'me' }];
  }
}
class Shape { constructor(side) { this.side = side; } }
const other = new Function('return class Shape { constructor(side) { this.edge = side; } }')();

function live() {
  const sessions = new Map();
  for (let i = 0; i < 100; i++) sessions.set(i, new Session(i));
  const keys = [], notes = new WeakMap(), seen = new WeakSet();
  for (let i = 0; i < 40; i++) {
    const key = { key: i };
    keys.push(key);
    seen.add(key);
    notes.set(key, { note: `note ${i}`, more: [i] });
  }
  const bus = new EventEmitter();
  for (let i = 0; i < 8; i++) bus.on('tick', () => sessions.get(i));
  let joined = '';
  for (let i = 0; i < 200; i++) joined += `part ${i} of a long text; `;
  const text = 'the quick brown fox jumps over the lazy dog '.repeat(40);
  return {
    sessions, keys, notes, seen, bus, joined,
    sliced: [text.slice(10, 60), text.slice(20, 90)],
    shapes: [new Shape(1), new Shape(2), new other(3), new other(4), new other(5)],
    points: Array.from({ length: 60 }, (_, i) => ({ x: i, y: -i })), swapped: Array.from({ length: 10 }, (_, i) => ({ y: i, x: i })),
    odd: [{ 'with, comma': 1, 'gr\u00fc\u00df': 2 }, { 'with, comma': 3, 'gr\u00fc\u00df': 4 }],
    repeated: Array.from({ length: 20 }, (_, i) => ['again', 'and again'][i % 2] + ' '.repeat(3) + (i % 5)),
    buffers: [new ArrayBuffer(10000), Buffer.alloc(5000, 1), new Float64Array(100)],
    empty: [new Map(), new Set(), [], {}], big: 12345678901234567890n, symbol: Symbol('mine'), pattern: /a+b/g,
    timer: setInterval(() => sessions.size, 1e6).unref(), promise: new Promise(() => {}), weak: new WeakRef(keys), registry: new FinalizationRegistry(() => {}),
  };
}

/* Asked from another thread: while V8 writes a snapshot, what this one allocates would change the traces that it has counted. */
const ASK = `
const { workerData, parentPort } = require('node:worker_threads');
const { openSync, writeSync, closeSync } = require('node:fs');
const session = new (require('node:inspector').Session)();
session.connectToMainThread();
setInterval(() => {}, 1000); // a session alone does not keep a thread
const post = (method, params) => new Promise((done, fail) => session.post(method, params, (error) => (error ? fail(error) : done())));
(async () => {
  await post('HeapProfiler.enable');
  await post('HeapProfiler.startTrackingHeapObjects', { trackAllocations: true });
  parentPort.postMessage('tracked');
  await new Promise((done) => parentPort.once('message', done));
  const file = openSync(workerData, 'w');
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => writeSync(file, params.chunk));
  await post('HeapProfiler.stopTrackingHeapObjects', { reportProgress: false });
  closeSync(file);
  process.exit();
})();`;

const [out, how = 'plain'] = process.argv.slice(2);
if (how === 'traced') {
  const asker = new Worker(ASK, { eval: true, workerData: out });
  asker.once('message', () => {
    globalThis.kept = live();
    asker.postMessage('made');
  });
} else {
  globalThis.kept = live();
  if (how === 'internals') v8.getHeapSnapshot({ exposeInternals: true }).pipe(createWriteStream(out));
  else v8.writeHeapSnapshot(out);
}
