'use strict';
// Express and one route that asks a database three times: what a span for each statement costs. The statements
// themselves take little here, so that the share of the spans is as large as it gets.
const express = require('express');
const { DatabaseSync } = require('node:sqlite');

const db = new DatabaseSync(':memory:');
db.exec('CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE orders (user INTEGER, total INTEGER)');
db.exec("INSERT INTO users VALUES (1, 'somebody'), (42, 'somebody'); INSERT INTO orders VALUES (1, 1), (42, 1)");
const user = db.prepare('SELECT name FROM users WHERE id = ?');
const orders = db.prepare('SELECT total FROM orders WHERE user = ?');
const count = db.prepare('SELECT count(*) AS count FROM orders');

const app = express();
app.get('/users/:id', async (req, res) => {
  const { name } = user.get(req.params.id);
  await null;
  res.json({ name, orders: orders.all(req.params.id), all: count.get().count });
});
app.listen(process.env.PORT, '127.0.0.1');
