'use strict';
// Waits for an acknowledgement that never comes: the async function and all that it knows wait with it.
const http = require('node:http');

const acknowledgements = new Map();

function acknowledged(id) {
  return new Promise((resolve, reject) => acknowledgements.set(id, { resolve, reject }));
}

async function publish(id) {
  const message = { id, lines: Array.from({ length: 20 }, (_, i) => `${id} line ${i}`) };
  await acknowledged(id);
  return message.lines.length;
}

let n = 0;
http
  .createServer((req, res) => {
    publish(`message-${n++}`);
    res.end('sent\n');
  })
  .listen(process.env.PORT ?? 3000);
