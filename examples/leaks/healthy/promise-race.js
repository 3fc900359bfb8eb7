'use strict';
// The long-lived promise is asked by one listener; each race runs between promises of its own request.
const http = require('node:http');
const { setTimeout: delay } = require('node:timers/promises');

const running = new Set();
process.once('SIGTERM', () => running.forEach((stop) => stop(null)));

async function work(n) {
  await delay(1);
  return { n, rows: new Array(100).fill(n) };
}

let n = 0;
http
  .createServer(async (req, res) => {
    let stop;
    const stopped = new Promise((resolve) => (stop = resolve));
    running.add(stop);
    const result = await Promise.race([work(n++), stopped]);
    running.delete(stop);
    res.end(`${result?.rows.length ?? 0} rows\n`);
  })
  .listen(process.env.PORT ?? 3000);
