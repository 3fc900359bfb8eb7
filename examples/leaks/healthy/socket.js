'use strict';
// The same, and a connection that is closed is forgotten.
const http = require('node:http');

const connections = new Set();

const server = http.createServer((req, res) => res.end('hello\n'));
server.on('connection', (socket) => {
  connections.add(socket);
  socket.once('close', () => connections.delete(socket));
});
process.once('SIGTERM', () => {
  for (const socket of connections) socket.destroy();
  server.close();
});
server.listen(process.env.PORT ?? 3000);
