'use strict';
// Each race leaves two reactions on the promise that does not settle before the process ends.
const http = require('node:http');
const { setTimeout: delay } = require('node:timers/promises');

const stopped = new Promise((resolve) => process.once('SIGTERM', () => resolve(null)));

async function work(n) {
  await delay(1);
  return { n, rows: new Array(100).fill(n) };
}

let n = 0;
http
  .createServer(async (req, res) => {
    const result = await Promise.race([work(n++), stopped]);
    res.end(`${result?.rows.length ?? 0} rows\n`);
  })
  .listen(process.env.PORT ?? 3000);
