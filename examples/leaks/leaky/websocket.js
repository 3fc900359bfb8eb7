'use strict';
// A chat room whose members never leave.
const http = require('node:http');
const { WebSocketServer } = require('ws');

const server = http.createServer((req, res) => res.end('a chat\n'));
const room = { name: 'lobby', members: [] };

new WebSocketServer({ server }).on('connection', (ws) => {
  room.members.push(ws);
  ws.on('error', () => {});
  ws.on('message', (text) => room.members.forEach((member) => member.send(text)));
});
server.listen(process.env.PORT ?? 3000);
