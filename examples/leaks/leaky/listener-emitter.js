'use strict';
// Each page that is opened listens for prices; none stops when it is closed.
const { EventEmitter } = require('node:events');
const express = require('express');

const ticker = new EventEmitter();
ticker.setMaxListeners(0);

const app = express();
app.get('/', (req, res) => {
  const page = { path: req.path, seen: [], since: Date.now() };
  ticker.on('price', function showPrice(price) {
    page.seen.push(price);
  });
  res.json({ watching: page.path });
});
app.listen(process.env.PORT ?? 3000);
