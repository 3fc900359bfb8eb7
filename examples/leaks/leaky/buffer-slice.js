'use strict';
// Keeps the first 16 bytes of each upload, as a view on all of it.
const http = require('node:http');

const signatures = [];

function signature(upload) {
  signatures.push(upload.subarray(0, 16));
}

http
  .createServer((req, res) => {
    signature(Buffer.alloc(16_384, req.url));
    res.end('received\n');
  })
  .listen(process.env.PORT ?? 3000);
