'use strict';
// The same log, of which the last 4,000 characters stay.
const http = require('node:http');

let accessLog = '';

function log(req, n) {
  accessLog += `${new Date().toISOString()} ${req.method} ${req.url} request ${n} from ${req.headers.host}\n`;
  if (accessLog.length > 4_000) accessLog = Buffer.from(accessLog.slice(-2_000)).toString();
}

let n = 0;
http
  .createServer((req, res) => {
    log(req, n++);
    res.end(`${accessLog.length} characters\n`);
  })
  .listen(process.env.PORT ?? 3000);
