'use strict';
// resume() throws the body away, and the connection goes back to a keep-alive agent.
const http = require('node:http');

const upstream = http.createServer((req, res) => res.end('x'.repeat(200_000)));
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

function status(callback) {
  http.get({ port: upstream.address().port, agent }, function onStatus(response) {
    response.resume();
    callback(response.statusCode);
  });
}

const server = http.createServer((req, res) => {
  status((code) => res.end(`upstream says ${code}\n`));
});
upstream.listen(0, '127.0.0.1', () => server.listen(process.env.PORT ?? 3000));
