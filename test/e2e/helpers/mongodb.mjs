// helpers/mongodb.mjs -- enough of MongoDB for its driver: OP_MSG, documents in memory
//
// Debian has no MongoDB. This answers what the driver's own commands need (hello, find, getMore, insert,
// update, delete, aggregate, count) in the wire protocol, so that the driver is the real one. Filters are
// equality and $in; other stages and operators are errors, as the server's errors are: { ok: 0, code }.

import net from 'node:net';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../../examples/queries/package.json', import.meta.url));
const { deserialize, serialize, Long } = require('bson');

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const MORE_TO_COME = 2; /* nobody waits for an answer */

const same = (a, b) => (a?.toHexString ? a.toHexString() === b?.toHexString?.() : a === b);
const matches = (doc, filter) => Object.entries(filter ?? {}).every(([key, want]) =>
  (want?.$in ? want.$in.some((w) => same(doc[key], w)) : same(doc[key], want)));

class Server {
  collections = new Map();
  commands = []; // names of what was asked, without the handshake's
  #cursors = new Map();
  #last = 0;

  #of(command, name) {
    const key = `${command.$db}.${command[name]}`;
    if (!this.collections.has(key)) this.collections.set(key, []);
    return this.collections.get(key);
  }

  #cursor(ns, docs, batchSize = 101) {
    const firstBatch = docs.slice(0, batchSize);
    const rest = docs.slice(batchSize);
    let id = Long.ZERO;
    if (rest.length) {
      id = Long.fromNumber(++this.#last);
      this.#cursors.set(id.toString(), { ns, rest });
    }
    return { ok: 1, cursor: { id, ns, firstBatch } };
  }

  answer(command) {
    const [name] = Object.keys(command);
    if (/^(hello|ismaster)$/i.test(name))
      return { ok: 1, helloOk: true, ismaster: true, isWritablePrimary: true, minWireVersion: 0, maxWireVersion: 21, maxBsonObjectSize: 16777216, maxMessageSizeBytes: 48000000, maxWriteBatchSize: 100000, localTime: new Date(), readOnly: false, logicalSessionTimeoutMinutes: 30 };
    if (name === 'ping' || name === 'endSessions' || name === 'killCursors') return { ok: 1 };
    this.commands.push(name);
    const docs = this.#of(command, name);
    const ns = `${command.$db}.${command[name]}`;
    switch (name) {
      case 'find': {
        if (command.filter?.$where) return { ok: 0, errmsg: `no $where here: ${command.filter.$where}`, code: 2, codeName: 'BadValue' };
        const found = docs.filter((doc) => matches(doc, command.filter));
        return this.#cursor(ns, command.limit ? found.slice(0, command.limit) : found, command.batchSize);
      }
      case 'aggregate': {
        const [stage] = command.pipeline;
        return this.#cursor(ns, docs.filter((doc) => matches(doc, stage?.$match)), command.cursor?.batchSize);
      }
      case 'getMore': {
        const cursor = this.#cursors.get(String(command.getMore));
        if (!cursor) return { ok: 0, errmsg: 'cursor not found', code: 43, codeName: 'CursorNotFound' };
        const nextBatch = cursor.rest.splice(0, command.batchSize ?? 101);
        const over = cursor.rest.length === 0;
        if (over) this.#cursors.delete(String(command.getMore));
        return { ok: 1, cursor: { id: over ? Long.ZERO : Long.fromNumber(Number(command.getMore)), ns: cursor.ns, nextBatch } };
      }
      case 'insert': {
        const writeErrors = [];
        for (const [index, doc] of command.documents.entries()) {
          if (docs.some((other) => same(other._id, doc._id))) writeErrors.push({ index, code: 11000, errmsg: `E11000 duplicate key error collection: ${ns} index: _id_ dup key: { _id: ${doc._id} }` });
          else docs.push(doc);
        }
        return { ok: 1, n: command.documents.length - writeErrors.length, ...(writeErrors.length ? { writeErrors } : {}) };
      }
      case 'update': {
        let n = 0;
        for (const { q, u, multi } of command.updates)
          for (const doc of docs.filter((d) => matches(d, q)).slice(0, multi ? Infinity : 1)) {
            Object.assign(doc, u.$set);
            n++;
          }
        return { ok: 1, n, nModified: n };
      }
      case 'delete': {
        let n = 0;
        for (const { q, limit } of command.deletes)
          for (const doc of docs.filter((d) => matches(d, q)).slice(0, limit || Infinity)) {
            docs.splice(docs.indexOf(doc), 1);
            n++;
          }
        return { ok: 1, n };
      }
      case 'count':
        return { ok: 1, n: docs.filter((doc) => matches(doc, command.query)).length };
      default:
        return { ok: 0, errmsg: `no such command: '${name}'`, code: 59, codeName: 'CommandNotFound' };
    }
  }
}

/** The command of a message, and whether an answer is waited for. */
function read(message) {
  const op = message.readInt32LE(12);
  if (op === OP_QUERY) {
    const end = message.indexOf(0, 20);
    return { op, command: deserialize(message.subarray(end + 9)), silent: false };
  }
  if (op !== OP_MSG) throw new Error(`no such message: ${op}`);
  const command = {};
  const lists = {};
  for (let at = 20; at < message.length;) {
    const kind = message[at++];
    const size = message.readInt32LE(at);
    const section = message.subarray(at, at + size);
    at += size;
    if (kind === 0) Object.assign(command, deserialize(section));
    else {
      const end = section.indexOf(0, 4);
      const list = (lists[section.toString('utf8', 4, end)] = []);
      for (let from = end + 1; from < section.length; from += section.readInt32LE(from))
        list.push(deserialize(section.subarray(from, from + section.readInt32LE(from))));
    }
  }
  return { op, command: { ...command, ...lists }, silent: (message.readUInt32LE(16) & MORE_TO_COME) !== 0 };
}

function write(socket, to, op, doc) {
  const body = serialize(doc);
  const head = Buffer.alloc(op === OP_MSG ? 21 : 36);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(1, 4);
  head.writeInt32LE(to, 8);
  head.writeInt32LE(op === OP_MSG ? OP_MSG : OP_REPLY, 12);
  if (op !== OP_MSG) head.writeInt32LE(1, 32);
  socket.write(Buffer.concat([head, body]));
}

/** `url`, `commands` (names of what was asked), `drop()`: closes every connection. */
export async function startMongodb(t) {
  const mongodb = new Server();
  const sockets = new Set();
  const server = net.createServer((socket) => {
    let bytes = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data]);
      while (bytes.length >= 16 && bytes.length >= bytes.readInt32LE(0)) {
        const message = bytes.subarray(0, bytes.readInt32LE(0));
        bytes = bytes.subarray(message.length);
        const { op, command, silent } = read(message);
        if (command.find === 'dropped') return socket.destroy();
        const answer = mongodb.answer(command);
        if (!silent) write(socket, message.readInt32LE(4), op, answer);
      }
      return undefined;
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t?.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `mongodb://127.0.0.1:${server.address().port}/shop?directConnection=true&serverSelectionTimeoutMS=5000`, commands: mongodb.commands };
}
