'use strict';
// Compiles a template for each text, and keeps them all.
const http = require('node:http');

const templates = new Map();

function compile(text) {
  if (!templates.has(text)) templates.set(text, new Function('name', `return \`${text}\``));
  return templates.get(text);
}

let n = 0;
http
  .createServer((req, res) => {
    const greet = compile(`Good day \${name}, you are number ${n++}`);
    res.end(`${greet('Ada')}\n`);
  })
  .listen(process.env.PORT ?? 3000);
