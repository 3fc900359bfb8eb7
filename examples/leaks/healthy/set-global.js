'use strict';
// Remembers who is here now: whoever has been answered is taken out again.
const crypto = require('node:crypto');
const http = require('node:http');

globalThis.seenVisitors = new Set();
let total = 0;

http
  .createServer((req, res) => {
    const visitor = crypto.randomBytes(20).toString('hex');
    globalThis.seenVisitors.add(visitor);
    res.on('close', () => globalThis.seenVisitors.delete(visitor));
    res.end(`you are number ${++total}\n`);
  })
  .listen(process.env.PORT ?? 3000);
