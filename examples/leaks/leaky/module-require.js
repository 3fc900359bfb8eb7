'use strict';
// "Hot" configuration: forgets the module and loads it anew. module.children keeps each of them.
const http = require('node:http');

function settings() {
  delete require.cache[require.resolve('../settings.js')];
  return require('../settings.js');
}

http
  .createServer((req, res) => {
    res.end(`${settings().title}\n`);
  })
  .listen(process.env.PORT ?? 3000);
