'use strict';
// libsql, which has the functions of better-sqlite3.
const Database = require('libsql');
const { SETUP } = require('../tables.js');

exports.open = () => {
  const db = new Database(':memory:');
  for (const sql of SETUP) db.exec(sql);
  return {
    loop: () => db.prepare('SELECT * FROM orders').all().map((order) => db.prepare('SELECT name FROM users WHERE id = ?').get(order.user_id)),
    join: () => db.prepare('SELECT orders.*, users.name FROM orders JOIN users ON users.id = user_id').all(),
    transaction() {
      const add = db.prepare('INSERT INTO log VALUES (?, ?)');
      db.transaction((lines) => {
        for (const line of lines) add.run(line, 'text');
      })([1, 2, 3, 4, 5, 6]);
    },
  };
};
