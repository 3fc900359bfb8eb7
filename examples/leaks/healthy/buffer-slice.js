'use strict';
// Copies the 16 bytes, and keeps the last hundred.
const http = require('node:http');

const signatures = [];

function signature(upload) {
  signatures.push(Buffer.from(upload.subarray(0, 16)));
  if (signatures.length > 20) signatures.shift();
}

http
  .createServer((req, res) => {
    signature(Buffer.alloc(16_384, req.url));
    res.end('received\n');
  })
  .listen(process.env.PORT ?? 3000);
