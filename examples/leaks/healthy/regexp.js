'use strict';
// The same, with at most sixteen of them.
const http = require('node:http');

const PATTERNS_MAX = 16;
const patterns = new Map();

function matches(word, text) {
  if (!patterns.has(word)) {
    if (patterns.size === PATTERNS_MAX) patterns.delete(patterns.keys().next().value);
    patterns.set(word, new RegExp(`\\b(${word})s?\\b`, 'i'));
  }
  return patterns.get(word).test(text);
}

let n = 0;
http
  .createServer((req, res) => {
    const word = `kettle${n++}`;
    res.end(`${matches(word, `Two ${word}s and a pan`)}\n`);
  })
  .listen(process.env.PORT ?? 3000);
