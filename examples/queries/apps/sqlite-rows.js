'use strict';
// node:sqlite: a statement for each row, and the join.
const { DatabaseSync } = require('node:sqlite');
const { SETUP } = require('../tables.js');

exports.open = () => {
  const db = new DatabaseSync(':memory:');
  for (const sql of SETUP) db.exec(sql);
  const user = db.prepare('SELECT name FROM users WHERE id = ?');
  return {
    loop: () => db.prepare('SELECT * FROM orders').all().map((order) => ({ ...order, user: user.get(order.user_id) })),
    fresh() {
      const rows = [];
      for (const { id } of db.prepare('SELECT id FROM orders').all())
        rows.push(db.prepare('SELECT count(*) AS n FROM items WHERE order_id = ?').get(id));
      return rows;
    },
    literals() {
      for (let i = 0; i < 7; i++) db.prepare(`SELECT name FROM users WHERE id = ${i}`).get();
    },
    join: () => db.prepare('SELECT orders.*, users.name FROM orders JOIN users ON users.id = user_id').all(),
    inserts() {
      db.exec('BEGIN');
      for (let i = 0; i < 6; i++) db.prepare('INSERT INTO log VALUES (?, ?)').run(i, `line ${i}`);
      db.exec('COMMIT');
    },
    four: () => [1, 2, 3, 4].map((id) => db.prepare('SELECT total FROM orders WHERE id = ?').get(id)),
    same: () => Array.from({ length: 9 }, () => user.get(1)),
    // From five places: no loop.
    places() {
      const find = db.prepare('SELECT org FROM users WHERE id = ?');
      const a = find.get(1);
      const b = find.get(2);
      const c = find.get(3);
      const d = find.get(4);
      const e = find.get(5);
      return [a, b, c, d, e];
    },
  };
};
