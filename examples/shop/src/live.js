'use strict';
// Live news: new orders and what is left in stock, to every open page of every worker.
//
// Whoever changes something writes a row into `changes`, in the transaction of the change itself;
// every process looks for new rows a few times a second and tells its own connections. So the news
// cross processes without any further service.

const { EventEmitter } = require('node:events');
const { WebSocketServer } = require('ws');
const { sql } = require('./db.js');
const faults = require('./faults.js');

const LOOK_MS = 250;
const KEPT = 1000;
const CONNECTIONS_MAX = 2000;
const HEARTBEAT_MS = 15000;

const bus = new EventEmitter();
bus.setMaxListeners(0); // a listener for every open page is as it should be

let seen = sql('SELECT coalesce(max(id), 0) AS id FROM changes').get().id;
const open = new Set();

/** Notes a change, as part of the transaction that makes it. */
exports.record = function record(kind, body) {
  const { lastInsertRowid } = sql('INSERT INTO changes (kind, body) VALUES (?, ?)').run(kind, JSON.stringify(body));
  const id = Number(lastInsertRowid);
  if (id % 100 === 0) sql('DELETE FROM changes WHERE id <= ?').run(id - KEPT);
};

exports.look = function look() {
  for (const { id, kind, body } of sql('SELECT id, kind, body FROM changes WHERE id > ? ORDER BY id LIMIT 500').all(seen)) {
    seen = id;
    bus.emit('change', { kind, ...JSON.parse(body) });
  }
};

/** Calls `tell` for every change until the connection `of` is closed. False: too many are open. */
function subscribe(of, tell) {
  if (open.size >= CONNECTIONS_MAX) return false;
  open.add(of);
  bus.on('change', tell);
  of.once('close', () => {
    open.delete(of);
    if (!faults.listeners) bus.off('change', tell);
  });
  return true;
}

/** GET /api/events: new orders as server-sent events. */
exports.events = function events(req, res) {
  const tell = (change) => {
    if (change.kind === 'order' && !res.writableEnded) res.write(`event: order\ndata: ${JSON.stringify(change)}\n\n`);
  };
  if (!subscribe(res, tell)) return res.status(503).json({ error: 'Too many pages are open.' });
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  res.write(`retry: 1000\nevent: hello\ndata: ${JSON.stringify({ pid: process.pid })}\n\n`);
  return undefined;
};

/** ws://…/live: stock and orders of all products, as JSON texts. */
exports.attach = function attach(server) {
  const wss = new WebSocketServer({ server, path: '/live', maxPayload: 4096 });
  wss.on('connection', (socket) => {
    const tell = (change) => {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(change));
    };
    socket.on('error', () => {});
    if (!subscribe(socket, tell)) return socket.close(1013, 'too many pages are open');
    socket.on('pong', () => {
      socket.silent = false;
    });
    socket.on('message', (data) => {
      if (String(data) === 'ping') socket.send(JSON.stringify({ kind: 'pong', pid: process.pid }));
    });
    return socket.send(JSON.stringify({ kind: 'hello', pid: process.pid }));
  });

  const timers = [
    setInterval(exports.look, LOOK_MS),
    setInterval(() => {
      for (const socket of wss.clients) {
        if (socket.silent) socket.terminate();
        socket.silent = true;
        socket.ping();
      }
      for (const of of open) if (typeof of.write === 'function') of.write(': still here\n\n');
    }, HEARTBEAT_MS),
  ];

  /** Ends all live connections, so that the server can close. */
  return () => {
    timers.forEach(clearInterval);
    for (const of of open) {
      if (typeof of.write === 'function') of.end();
      else of.close(1001, 'the shop restarts');
    }
  };
};
