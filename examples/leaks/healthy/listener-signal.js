'use strict';
// The listener goes with the work: its own signal removes it when the answer has been sent.
const http = require('node:http');

const shutdown = new AbortController();
require('node:events').setMaxListeners(0, shutdown.signal);

function exportReport(rows, signal) {
  const report = { rows, cancelled: false };
  function cancelReport() {
    report.cancelled = true;
  }
  signal.addEventListener('abort', cancelReport, { once: true });
  report.done = () => signal.removeEventListener('abort', cancelReport);
  return report;
}

http
  .createServer((req, res) => {
    const report = exportReport(Array.from({ length: 20 }, (_, i) => ({ line: i })), shutdown.signal);
    res.end(`${report.rows.length} rows\n`, report.done);
  })
  .listen(process.env.PORT ?? 3000);
