'use strict';
// Requests to another server: for each thing, several at a time, and all at once.
const http = require('node:http');

exports.open = async () => {
  const server = http.createServer((req, res) => setTimeout(() => res.end('{}'), 2));
  await new Promise((done) => server.listen({ path: `\0fettle-queries-${process.pid}` }, done));
  const agent = new http.Agent({ keepAlive: true });
  const get = (path) =>
    new Promise((done, failed) => {
      http.get({ socketPath: `\0fettle-queries-${process.pid}`, host: 'stock.example', path, agent }, (res) => {
        res.resume().on('end', done);
      }).on('error', failed);
    });
  const ids = [11, 12, 13, 14, 15, 16];
  return {
    async loop() {
      for (const id of ids) await get(`/stock/${id}`);
    },
    all: () => Promise.all(ids.map((id) => get(`/stock/${id}`))),
    once: () => get(`/stock?ids=${ids}`),
    async poll() {
      for (let n = 0; n < 6; n++) await get('/ready');
    },
    async different() {
      for (const name of ['prices', 'stock', 'reviews', 'pictures', 'offers', 'returns']) await get(`/${name}`);
    },
  };
};
