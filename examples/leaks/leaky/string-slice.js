'use strict';
// Keeps a token of 32 characters of each page. A slice is a view: it keeps the page.
const http = require('node:http');

const tokens = [];

function page(n) {
  return `<meta name="token" content="${String(n).padStart(32, 'a')}">${'<p>text</p>'.repeat(500)}${n}`;
}

let n = 0;
http
  .createServer((req, res) => {
    const html = Buffer.from(page(n++)).toString('latin1');
    tokens.push(html.slice(29, 61));
    res.end(html);
  })
  .listen(process.env.PORT ?? 3000);
