'use strict';
// Asks a service for its status and never reads the body: response, parser and socket wait for a reader.
const http = require('node:http');

const upstream = http.createServer((req, res) => res.end('x'.repeat(200_000)));

function status(callback) {
  http.get({ port: upstream.address().port, agent: false }, function onStatus(response) {
    callback(response.statusCode);
  });
}

const server = http.createServer((req, res) => {
  status((code) => res.end(`upstream says ${code}\n`));
});
upstream.listen(0, '127.0.0.1', () => server.listen(process.env.PORT ?? 3000));
