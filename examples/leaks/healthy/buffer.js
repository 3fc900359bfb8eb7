'use strict';
// A pool of eight buffers, each used again when its response has been sent.
const http = require('node:http');

const pool = Array.from({ length: 8 }, () => Buffer.alloc(16_384));

let n = 0;
http
  .createServer((req, res) => {
    const buffer = pool.pop() ?? Buffer.alloc(16_384);
    buffer.fill(`picture-${n++}`);
    res.end(buffer);
    res.on('close', () => {
      if (pool.length < 8) pool.push(buffer);
    });
  })
  .listen(process.env.PORT ?? 3000);
