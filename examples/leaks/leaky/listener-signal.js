'use strict';
// Work that can be aborted at shutdown: a listener on the one signal for each request, and none is removed.
const http = require('node:http');

const shutdown = new AbortController();
require('node:events').setMaxListeners(0, shutdown.signal);

function exportReport(rows, signal) {
  const report = { rows, cancelled: false };
  signal.addEventListener('abort', function cancelReport() {
    report.cancelled = true;
  });
  return report;
}

http
  .createServer((req, res) => {
    const report = exportReport(Array.from({ length: 20 }, (_, i) => ({ line: i })), shutdown.signal);
    res.end(`${report.rows.length} rows\n`);
  })
  .listen(process.env.PORT ?? 3000);
