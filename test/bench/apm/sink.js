'use strict';
// A back end that takes everything and keeps nothing.
require('node:http')
  .createServer((req, res) => {
    req.resume();
    req.on('end', () => res.writeHead(200, { 'content-type': req.headers['content-type'] === 'application/x-protobuf' ? 'application/x-protobuf' : 'application/json' }).end(/protobuf/.test(req.headers['content-type']) ? '' : '{}'));
  })
  .listen(process.env.PORT, '127.0.0.1');
