'use strict';
// The report ends with the response.
const http = require('node:http');

class Job {
  constructor(url) {
    this.url = url;
    this.log = new Array(30).fill(0);
  }

  report() {
    this.log.push(Date.now());
  }
}

http
  .createServer((req, res) => {
    const job = new Job(req.url);
    const timer = setInterval(() => job.report(), 60_000);
    res.on('close', () => clearInterval(timer));
    res.end('started\n');
  })
  .listen(process.env.PORT ?? 3000);
