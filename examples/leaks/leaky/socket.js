'use strict';
// Remembers connections for a count at shutdown, also those that were closed long ago.
const http = require('node:http');

const connections = new Set();

const server = http.createServer((req, res) => res.end('hello\n'));
server.on('connection', (socket) => connections.add(socket));
process.once('SIGTERM', () => {
  for (const socket of connections) socket.destroy();
  server.close();
});
server.listen(process.env.PORT ?? 3000);
