'use strict';
// require() in the handler: the module is loaded once.
const http = require('node:http');

function settings() {
  return require('../settings.js');
}

http
  .createServer((req, res) => {
    res.end(`${settings().title}\n`);
  })
  .listen(process.env.PORT ?? 3000);
