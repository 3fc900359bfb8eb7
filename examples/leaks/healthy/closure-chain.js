'use strict';
// One step can be undone: the closure keeps the values before, and not the closure before.
const http = require('node:http');

let undo = () => 'nothing to undo';

function change(setting) {
  const before = { setting, values: new Array(50).fill(setting.length) };
  undo = () => before;
}

let n = 0;
http
  .createServer((req, res) => {
    change(`theme-${n++}`);
    res.end(`changed from ${undo().setting}\n`);
  })
  .listen(process.env.PORT ?? 3000);
