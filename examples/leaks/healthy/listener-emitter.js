'use strict';
// Listens while the page is open: off() at its end, once() for what comes once.
const { EventEmitter } = require('node:events');
const express = require('express');

const ticker = new EventEmitter();
ticker.setMaxListeners(0);

const app = express();
app.get('/', (req, res) => {
  const page = { path: req.path, seen: [], since: Date.now() };
  function showPrice(price) {
    page.seen.push(price);
  }
  ticker.on('price', showPrice);
  ticker.once('opened', showPrice);
  ticker.emit('opened', 1);
  res.once('close', () => ticker.off('price', showPrice));
  res.json({ watching: page.path });
});
app.listen(process.env.PORT ?? 3000);
