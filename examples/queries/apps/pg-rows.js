'use strict';
// pg by its pool: one by one, all at a time, and at once.
const shared = require('../pg-pool.js');

exports.needs = 'PG_URL';
exports.open = async () => {
  const db = await shared.open();
  const orders = async () => (await db.query('SELECT * FROM orders ORDER BY id')).rows;
  return {
    async loop() {
      const found = await orders();
      for (const order of found)
        order.user = (await db.query('SELECT name FROM users WHERE id = $1', [order.user_id])).rows[0];
      return found;
    },
    all: async () =>
      Promise.all((await orders()).map(async ({ id }) => (await db.query('SELECT name FROM items WHERE order_id = $1', [id])).rows)),
    async any() {
      const ids = (await orders()).map((o) => o.user_id);
      return (await db.query('SELECT name FROM users WHERE id = ANY($1)', [ids])).rows;
    },
    async updates() {
      for (let id = 1; id <= 6; id++) await db.query('UPDATE users SET org = $1 WHERE id = $2', [id % 3, id]);
    },
    callbacks: () =>
      new Promise((done, failed) => {
        const rows = [];
        const next = (id) =>
          db.query('SELECT total FROM orders WHERE id = $1', [id], (error, result) => {
            if (error) return failed(error);
            rows.push(result.rows[0]);
            return id < 7 ? next(id + 1) : done(rows);
          });
        next(1);
      }),
    async helper() {
      const { rows } = await db.query({ text: 'SELECT id FROM orders ORDER BY id DESC' });
      const found = [];
      for (const { id } of rows) found.push(await count(db, id));
      return found;
    },
  };
};

async function count(db, id) {
  const { rows } = await db.query({ text: 'SELECT count(*) FROM items WHERE order_id = $1', values: [id] });
  return rows[0].count;
}
