'use strict';
// An expression for each search word, compiled and kept.
const http = require('node:http');

const patterns = new Map();

function matches(word, text) {
  if (!patterns.has(word)) patterns.set(word, new RegExp(`\\b(${word})s?\\b`, 'i'));
  return patterns.get(word).test(text);
}

let n = 0;
http
  .createServer((req, res) => {
    const word = `kettle${n++}`;
    res.end(`${matches(word, `Two ${word}s and a pan`)}\n`);
  })
  .listen(process.env.PORT ?? 3000);
