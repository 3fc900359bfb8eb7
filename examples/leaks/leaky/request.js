'use strict';
// The slowest requests, for a page that shows them. It keeps the request itself, with its socket and headers.
const express = require('express');

const slow = [];

const app = express();
app.use((req, res, next) => {
  const start = process.hrtime.bigint();
  res.on('finish', () => {
    slow.push({ req, took: Number(process.hrtime.bigint() - start) });
  });
  next();
});
app.get('/', (req, res) => res.send('hello\n'));
app.listen(process.env.PORT ?? 3000);
