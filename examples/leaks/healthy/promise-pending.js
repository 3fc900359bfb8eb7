'use strict';
// What has not been acknowledged in time is given up: every promise settles and leaves the map.
const http = require('node:http');

const acknowledgements = new Map();

function acknowledged(id) {
  return new Promise((resolve, reject) => {
    acknowledgements.set(id, { resolve, reject });
    setTimeout(() => {
      acknowledgements.delete(id);
      reject(new Error('not acknowledged in time'));
    }, 10);
  });
}

async function publish(id) {
  const message = { id, lines: Array.from({ length: 20 }, (_, i) => `${id} line ${i}`) };
  await acknowledged(id);
  return message.lines.length;
}

let n = 0;
http
  .createServer((req, res) => {
    publish(`message-${n++}`).catch(() => {});
    res.end('sent\n');
  })
  .listen(process.env.PORT ?? 3000);
