'use strict';
// An ordinary Express app: middleware, a router, JSON bodies, errors. It keeps nothing.
const express = require('express');

const app = express();
app.use(express.json(), express.urlencoded({ extended: false }));
app.use((req, res, next) => {
  res.locals.start = process.hrtime();
  next();
});

const products = express.Router();
products.get('/:id', async (req, res) => {
  await new Promise((resolve) => setImmediate(resolve));
  if (req.params.id === '7') throw Object.assign(new Error('no such product'), { status: 404 });
  res.json({ id: req.params.id, took: process.hrtime(res.locals.start) });
});
app.use('/products', products);

let n = 0;
app.get('/', (req, res) => res.redirect(`/products/${n++ % 10}`));
app.use((error, req, res, next) => res.status(error.status ?? 500).json({ error: error.message }));
app.listen(process.env.PORT ?? 3000);
