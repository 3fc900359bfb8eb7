'use strict';
// A request that takes longer than a day is logged. It holds each request that took a millisecond, for a day.
const http = require('node:http');

const DAY_MS = 86_400_000;

function watch(req) {
  const seen = { url: req.url, headers: { ...req.headers } };
  return setTimeout(() => console.error('still running:', seen), DAY_MS);
}

http
  .createServer((req, res) => {
    watch(req);
    res.end('done\n');
  })
  .listen(process.env.PORT ?? 3000);
