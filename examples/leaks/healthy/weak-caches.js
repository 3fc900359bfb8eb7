'use strict';
// Caches that hold nothing: WeakMap, WeakRef, and a FinalizationRegistry that tidies up behind them.
const http = require('node:http');

const byRequest = new WeakMap();
const refs = new Map();
const gone = new FinalizationRegistry((key) => refs.delete(key));

let n = 0;
http
  .createServer((req, res) => {
    const key = `answer-${n++}`;
    const answer = { key, values: new Array(100).fill(n) };
    byRequest.set(req, answer);
    refs.set(key, new WeakRef(answer));
    gone.register(answer, key);
    res.end(`${byRequest.get(req).key}\n`);
  })
  .listen(process.env.PORT ?? 3000);
