'use strict';
// The same watch, called off when the response is done.
const http = require('node:http');

const DAY_MS = 86_400_000;

function watch(req) {
  const seen = { url: req.url, headers: { ...req.headers } };
  return setTimeout(() => console.error('still running:', seen), DAY_MS);
}

http
  .createServer((req, res) => {
    const watching = watch(req);
    res.on('close', () => clearTimeout(watching));
    res.end('done\n');
  })
  .listen(process.env.PORT ?? 3000);
