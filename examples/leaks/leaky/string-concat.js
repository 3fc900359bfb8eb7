'use strict';
// An access log in memory that only gets longer.
const http = require('node:http');

let accessLog = '';

function log(req, n) {
  accessLog += `${new Date().toISOString()} ${req.method} ${req.url} request ${n} from ${req.headers.host}\n`;
}

let n = 0;
http
  .createServer((req, res) => {
    log(req, n++);
    res.end(`${accessLog.length} characters\n`);
  })
  .listen(process.env.PORT ?? 3000);
