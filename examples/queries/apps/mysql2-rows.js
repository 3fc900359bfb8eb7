'use strict';
// mysql2: promises, callbacks, prepared statements.
const mysql = require('mysql2');
const { SETUP } = require('../tables.js');

exports.needs = 'MYSQL_URL';
exports.open = async () => {
  const pool = mysql.createPool({ uri: process.env.MYSQL_URL, connectionLimit: 4 });
  const db = pool.promise();
  for (const sql of SETUP) await db.query(sql);
  const ids = async () => (await db.query('SELECT id FROM orders'))[0].map((row) => row.id);
  return {
    async loop() {
      const found = [];
      for (const id of await ids()) found.push((await db.query('SELECT name FROM items WHERE order_id = ?', [id]))[0]);
      return found;
    },
    async prepared() {
      for (const id of await ids()) await db.execute('SELECT total FROM orders WHERE id = ?', [id]);
    },
    callbacks: () =>
      new Promise((done, failed) => {
        const next = (id) =>
          pool.query('SELECT org FROM users WHERE id = ?', [id], (error) => {
            if (error) return failed(error);
            return id < 7 ? next(id + 1) : done(id);
          });
        next(1);
      }),
    async once() {
      return (await db.query('SELECT * FROM items WHERE order_id IN (?)', [await ids()]))[0];
    },
    async rows() {
      for (let i = 0; i < 6; i++) await db.query('INSERT INTO log (id, text) VALUES ?', [[[i, 'a'], [i, 'b']]]);
    },
    stream: () =>
      new Promise((done, failed) => {
        let n = 0;
        pool.query('SELECT * FROM items').stream().on('data', () => n++).on('end', () => done(n)).on('error', failed);
      }),
    async held() {
      const connection = await db.getConnection();
      try {
        await connection.beginTransaction();
        for (const id of [1, 2, 3, 4, 5, 6]) await connection.query('UPDATE orders SET total = total + 1 WHERE id = ?', [id]);
        await connection.commit();
      } finally {
        connection.release();
      }
    },
  };
};
