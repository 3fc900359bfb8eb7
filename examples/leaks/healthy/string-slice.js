'use strict';
// A copy of the token does not hold the page, and a hundred of them are enough.
const http = require('node:http');

const tokens = [];

function page(n) {
  return `<meta name="token" content="${String(n).padStart(32, 'a')}">${'<p>text</p>'.repeat(500)}${n}`;
}

let n = 0;
http
  .createServer((req, res) => {
    const html = Buffer.from(page(n++)).toString('latin1');
    tokens.push(Buffer.from(html.slice(29, 61)).toString('latin1'));
    if (tokens.length > 20) tokens.shift();
    res.end(html);
  })
  .listen(process.env.PORT ?? 3000);
