'use strict';
// What the apps ask: 12 orders of 8 users, 3 items each.
const TABLES = [
  'CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(40), org INTEGER)',
  'CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, total INTEGER)',
  'CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER, name VARCHAR(40))',
  'CREATE TABLE log (id INTEGER, text VARCHAR(80))',
];
const list = (n, row) => Array.from({ length: n }, (_, i) => row(i + 1)).join(', ');
const ROWS = [
  `INSERT INTO users VALUES ${list(8, (i) => `(${i}, 'user ${i}', ${i % 3})`)}`,
  `INSERT INTO orders VALUES ${list(12, (i) => `(${i}, ${(i % 8) + 1}, ${i * 10})`)}`,
  `INSERT INTO items VALUES ${list(36, (i) => `(${i}, ${(i % 12) + 1}, 'item ${i}')`)}`,
];
module.exports = { TABLES, ROWS, SETUP: [...TABLES, ...ROWS] };
