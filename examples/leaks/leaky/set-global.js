'use strict';
// Counts visitors by remembering each of them, in a global.
const crypto = require('node:crypto');
const http = require('node:http');

globalThis.seenVisitors = new Set();

function count(visitor) {
  globalThis.seenVisitors.add(visitor);
  return globalThis.seenVisitors.size;
}

http
  .createServer((req, res) => {
    const visitor = crypto.randomBytes(20).toString('hex');
    res.end(`you are number ${count(visitor)}\n`);
  })
  .listen(process.env.PORT ?? 3000);
