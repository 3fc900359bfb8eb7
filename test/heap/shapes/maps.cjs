/* An app that keeps much in maps and arrays; then its snapshot.
 *
 *   node maps.cjs OUT SESSIONS     about 0.76 kB of snapshot a session */
'use strict';

class Session {
  constructor(id) {
    this.id = id;
    this.user = `user-${id}`;
    this.roles = ['reader', id % 7 ? 'writer' : 'owner'];
    this.seen = [id, id + 1, id + 0.5];
    this.cart = null;
  }
}
class Line {
  constructor(sku, count) {
    this.sku = sku;
    this.count = count;
  }
}

const [out, count] = process.argv.slice(2);
const sessions = new Map(), index = new Set(), recent = [];
for (let i = 0; i < Number(count); i++) {
  const session = new Session(i);
  sessions.set(i, session);
  recent.push([session, i]);
  if (i % 3 === 0) index.add(session);
  if (i % 4 === 0) session.cart = { lines: Array.from({ length: i % 5 }, (_, k) => new Line(`sku-${(i * 31 + k) % 1000}`, k)), total: i * 1.5 };
  if (i % 8 === 0) session.attributes = new Map([['a', i], ['b', session.user]]);
}
globalThis.kept = { sessions, index, recent };
require('node:v8').writeHeapSnapshot(out);
