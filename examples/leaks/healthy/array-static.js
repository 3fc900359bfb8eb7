'use strict';
// The same trail as a ring: the place of the oldest entry is used again.
const http = require('node:http');

class AuditTrail {
  static SIZE = 32;
  static entries = new Array(AuditTrail.SIZE).fill(null);
  static next = 0;

  static record(method, url) {
    AuditTrail.entries[AuditTrail.next] = { method, url, at: new Date(), tags: ['http', method] };
    AuditTrail.next = (AuditTrail.next + 1) % AuditTrail.SIZE;
  }
}

let n = 0;
http
  .createServer((req, res) => {
    AuditTrail.record(req.method, `${req.url}?request=${n++}`);
    res.end('recorded\n');
  })
  .listen(process.env.PORT ?? 3000);
