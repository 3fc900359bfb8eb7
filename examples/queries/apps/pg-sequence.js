'use strict';
// One after the other: for nothing, and for a reason.
const shared = require('../pg-pool.js');

exports.needs = 'PG_URL';
exports.open = async () => {
  const db = await shared.open();
  const first = async (text, ...values) => (await db.query(text, values)).rows[0];
  return {
    async pair() {
      const users = await db.query('SELECT count(*) FROM users WHERE org > 0');
      const orders = await db.query('SELECT sum(total) FROM orders WHERE total > 5');
      return [users.rows, orders.rows];
    },
    async helpers(params) {
      const id = Number(params.get('id') ?? 3);
      const user = await first('SELECT name, org FROM users WHERE id = $1', id);
      const limit = Math.min(id, 5);
      const { count } = await first('SELECT count(*) FROM items WHERE order_id = $1 AND id > $2', id, limit);
      return { user, count };
    },
    async together() {
      const [a, b] = await Promise.all([
        db.query('SELECT max(id) FROM users WHERE org > 0'),
        db.query('SELECT max(id) FROM orders WHERE total > 5'),
      ]);
      return [a.rows, b.rows];
    },
    async needed() {
      const order = await first('SELECT user_id FROM orders WHERE id = $1', 5);
      const user = await first('SELECT org, name FROM users WHERE id = $1', order.user_id);
      return user;
    },
    async derived() {
      const { rows } = await db.query('SELECT total FROM orders WHERE id = $1', [7]);
      const half = rows[0].total / 2;
      const above = await db.query('SELECT id FROM orders WHERE total > $1 ORDER BY id', [half]);
      return above.rows;
    },
    async guarded() {
      const user = await first('SELECT id FROM users WHERE id = $1 AND org >= 0', 2);
      if (!user) return null;
      const orders = await db.query('SELECT id, total FROM orders WHERE user_id = $1', [2]);
      return orders.rows;
    },
    async conditional() {
      const user = await first('SELECT id FROM users WHERE id = $1 AND org < 9', 2);
      const orders = user && (await first('SELECT id FROM orders WHERE user_id = $1 AND total > 0', 2));
      return orders;
    },
    async written() {
      const before = await first('SELECT total, id FROM orders WHERE id = $1', 9);
      await db.query('UPDATE orders SET total = total + 1 WHERE id = $1', [9]);
      const after = await first('SELECT id, total FROM orders WHERE id = $1', 9);
      return [before, after];
    },
    async held() {
      const client = await db.connect();
      try {
        const users = await client.query('SELECT min(id) FROM users WHERE org > 0');
        const orders = await client.query('SELECT min(id) FROM orders WHERE total > 5');
        return [users.rows, orders.rows];
      } finally {
        client.release();
      }
    },
    async transaction() {
      const client = await db.connect();
      try {
        await client.query('BEGIN');
        const users = await client.query('SELECT avg(id) FROM users WHERE org > 0');
        const orders = await client.query('SELECT avg(id) FROM orders WHERE total > 5');
        await client.query('COMMIT');
        return [users.rows, orders.rows];
      } finally {
        client.release();
      }
    },
    async apart() {
      const users = await names(db);
      const totals = await sums(db);
      return [users, totals];
    },
    async mutated() {
      const state = {};
      await load(db, state);
      const org = await first('SELECT count(*) AS n FROM users WHERE org = $1', state.org);
      return org;
    },
  };
};

async function names(db) {
  return (await db.query('SELECT name FROM users WHERE org = 1')).rows;
}

async function sums(db) {
  return (await db.query('SELECT user_id, sum(total) FROM orders GROUP BY user_id')).rows;
}

async function load(db, state) {
  const { rows } = await db.query('SELECT org FROM users WHERE name = $1', ['user 5']);
  state.org = rows[0].org;
}
