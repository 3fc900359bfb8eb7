'use strict';
// Loops on purpose: pages, pieces of a range, rows that go in together.
const { DatabaseSync } = require('node:sqlite');
const { SETUP } = require('../tables.js');

exports.open = () => {
  const db = new DatabaseSync(':memory:');
  for (const sql of SETUP) db.exec(sql);
  return {
    offset() {
      for (let at = 0; at < 36; at += 6) db.prepare('SELECT * FROM items ORDER BY id LIMIT 6 OFFSET ?').all(at);
    },
    keyset() {
      for (let last = 0; last < 36; last += 6) db.prepare('SELECT * FROM items WHERE id > ? ORDER BY id LIMIT 6').all(last);
    },
    ranges() {
      for (let at = 0; at < 36; at += 6) db.prepare('SELECT sum(id) FROM items WHERE id >= ? AND id < ?').get(at, at + 6);
    },
    rows() {
      for (let i = 0; i < 6; i++) db.prepare('INSERT INTO log VALUES (?, ?), (?, ?)').run(i, 'a', i, 'b');
    },
    lists() {
      for (let i = 0; i < 6; i++) db.prepare('SELECT * FROM items WHERE order_id IN (?, ?)').all(i, i + 6);
    },
    json() {
      for (let i = 0; i < 6; i++)
        db.prepare('SELECT * FROM items WHERE id IN (SELECT value FROM json_each(?))').all(JSON.stringify([i, i + 1]));
    },
    newest() {
      for (const { id } of db.prepare('SELECT id FROM orders').all())
        db.prepare('SELECT * FROM items WHERE order_id = ? ORDER BY id DESC LIMIT 2').all(id);
    },
  };
};
