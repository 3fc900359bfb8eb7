'use strict';
// A progress report every minute, for each request, also when the request is long over.
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
    setInterval(function reportProgress() {
      job.report();
    }, 60_000).unref();
    res.end('started\n');
  })
  .listen(process.env.PORT ?? 3000);
