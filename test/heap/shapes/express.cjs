/* An Express app that forgets no session: a snapshot before, after, and after more requests.
 *
 *   node express.cjs OUT1 OUT2 OUT3
 *
 * Express is in test/bench/node_modules (scripts/setup bench). */
'use strict';
const http = require('node:http');
const { createRequire } = require('node:module');
const path = require('node:path');
const { writeHeapSnapshot } = require('node:v8');
const express = createRequire(path.join(__dirname, '../../bench/package.json'))('express');
const ITEMS = 24000, REQUESTS = 600;

class Item {
  constructor(id) {
    this.id = id;
    this.name = `item ${id}`;
    this.price = { cents: id * 7, currency: 'EUR' };
    this.tags = [`tag ${id % 17}`, `tag ${id % 23}`];
  }
}
class Session {
  constructor(id) {
    this.id = id;
    this.seen = [];
  }
}
const catalogue = new Map(Array.from({ length: ITEMS }, (_, id) => [id, new Item(id)]));
const sessions = new Map();

const app = express();
app.use((req, res, next) => {
  const id = req.headers.session;
  if (!sessions.has(id)) sessions.set(id, new Session(id));
  req.session = sessions.get(id);
  next();
});
app.get('/items/:id', (req, res) => {
  const item = catalogue.get(Number(req.params.id));
  req.session.seen.push({ item, at: req.session.seen.length });
  res.json(item);
});

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let last = 0;
async function visit(port, requests) {
  for (let i = 0; i < requests; i++, last++)
    await new Promise((done, fail) => http.get({ agent, port, host: '127.0.0.1', path: `/items/${(last * 31) % ITEMS}`, headers: { session: `s${last >> 1}` } },
      (res) => res.resume().on('end', done)).on('error', fail));
}

const server = app.listen(0, '127.0.0.1', async () => {
  for (const out of process.argv.slice(2)) {
    await visit(server.address().port, REQUESTS);
    writeHeapSnapshot(out);
  }
  agent.destroy();
  server.close();
});
