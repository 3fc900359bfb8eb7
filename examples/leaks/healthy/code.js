'use strict';
// The text is the same each time: three templates, compiled once.
const http = require('node:http');

const templates = new Map();

function compile(text) {
  if (!templates.has(text)) templates.set(text, new Function('name', 'n', `return \`${text}\``));
  return templates.get(text);
}

const TEXTS = ['Good day ${name}, you are number ${n}', 'Hello ${name} (${n})', 'Welcome, ${name}! ${n}'];
let n = 0;
http
  .createServer((req, res) => {
    const greet = compile(TEXTS[n++ % TEXTS.length]);
    res.end(`${greet('Ada', n)}\n`);
  })
  .listen(process.env.PORT ?? 3000);
