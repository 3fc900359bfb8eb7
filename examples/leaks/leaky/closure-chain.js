'use strict';
// "Undo" as a closure that keeps the one before it, which keeps the one before it …
const http = require('node:http');

let undo = () => 'nothing to undo';

function change(setting) {
  const previous = undo;
  const before = { setting, values: new Array(50).fill(setting.length) };
  undo = () => {
    undo = previous;
    return before;
  };
}

let n = 0;
http
  .createServer((req, res) => {
    change(`theme-${n++}`);
    res.end('changed\n');
  })
  .listen(process.env.PORT ?? 3000);
