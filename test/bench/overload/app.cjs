'use strict';
// An app whose capacity is known. /cpu keeps the loop busy for 5 ms; /database waits for one of ten
// places of this process, which take 10 ms each: 1,000 a second, whatever comes.
const http = require('node:http');

const PLACES = 10;
const SERVE_MS = 10;
let taken = 0;
const waiting = [];

function serve(res) {
  taken++;
  setTimeout(() => {
    taken--;
    if (!res.destroyed) res.end('served\n');
    const next = waiting.shift();
    if (next) serve(next);
  }, SERVE_MS);
}

http.createServer((req, res) => {
  if (req.url.startsWith('/cpu')) {
    const until = performance.now() + 5;
    while (performance.now() < until);
    res.end('served\n');
  } else if (req.url.startsWith('/database')) {
    if (taken < PLACES) serve(res);
    else waiting.push(res);
  } else {
    res.end('fine\n');
  }
}).listen(process.env.PORT);
