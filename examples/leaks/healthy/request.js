'use strict';
// Keeps what it shows, of the twenty slowest.
const express = require('express');

const slow = [];

const app = express();
app.use((req, res, next) => {
  const start = process.hrtime.bigint();
  res.on('finish', () => {
    slow.push({ url: req.originalUrl, took: Number(process.hrtime.bigint() - start) });
    slow.sort((a, b) => b.took - a.took);
    slow.length = Math.min(slow.length, 20);
  });
  next();
});
app.get('/', (req, res) => res.send('hello\n'));
app.listen(process.env.PORT ?? 3000);
