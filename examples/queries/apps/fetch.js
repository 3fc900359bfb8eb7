'use strict';
const http = require('node:http');

exports.open = async () => {
  const server = http.createServer((req, res) => setTimeout(() => res.end('{}'), 2));
  // Under fettle this is one more address of the app.
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${server.address().port}`;
  const get = async (path) => (await fetch(url + path)).json();
  return {
    async loop() {
      const found = [];
      for (let id = 1; id <= 6; id++) found.push(await get(`/users/${id}`));
      return found;
    },
    all: () => Promise.all([1, 2, 3, 4, 5, 6].map((id) => get(`/users/${id}`))),
    users: () => get('/users?ids=1,2,3,4,5,6'),
  };
};
