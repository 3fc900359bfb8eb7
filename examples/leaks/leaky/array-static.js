'use strict';
// An audit trail that is kept in a static field for a flush that nobody wrote.
const http = require('node:http');

class AuditTrail {
  static entries = [];

  static record(method, url) {
    AuditTrail.entries.push({ method, url, at: new Date(), tags: ['http', method] });
  }
}

let n = 0;
http
  .createServer((req, res) => {
    AuditTrail.record(req.method, `${req.url}?request=${n++}`);
    res.end('recorded\n');
  })
  .listen(process.env.PORT ?? 3000);
