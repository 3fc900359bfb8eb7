'use strict';
// Loops that are meant: batches, retries, polling, a queue, a transaction for each.
const { setTimeout: wait } = require('node:timers/promises');
const shared = require('../pg-pool.js');

exports.needs = 'PG_URL';
exports.open = async () => {
  const db = await shared.open();
  await db.query('CREATE TABLE jobs (id INTEGER PRIMARY KEY, done BOOLEAN DEFAULT false)');
  await db.query('INSERT INTO jobs SELECT generate_series(1, 10000)');
  return {
    async batches() {
      for (let at = 1; at <= 36; at += 6)
        await db.query('SELECT * FROM items WHERE id = ANY($1)', [[at, at + 1, at + 2, at + 3, at + 4, at + 5]]);
    },
    async rows() {
      for (let i = 0; i < 6; i++) await db.query('INSERT INTO log VALUES ($1, $2), ($3, $4)', [i, 'a', i, 'b']);
    },
    async unnest() {
      for (let i = 0; i < 6; i++) await db.query('INSERT INTO log (id) SELECT * FROM unnest($1::int[])', [[i, i]]);
    },
    async retries() {
      for (let n = 0; n < 6; n++) {
        try {
          return await db.query('SELECT 1 / ($1::int - 5) FROM users WHERE id = 1', [n === 5 ? 6 : 5]);
        } catch {
          await wait(1);
        }
      }
      return null;
    },
    async polling() {
      for (let n = 0; n < 6; n++) {
        const { rows } = await db.query('SELECT done FROM jobs WHERE id = $1', [1]);
        if (rows[0].done) break;
        await wait(2);
      }
    },
    async slowly() {
      for (let id = 1; id <= 6; id++) {
        await db.query('SELECT org FROM users WHERE id = $1', [id]);
        await wait(12); // so that others get their turn
      }
    },
    async queue() {
      for (let n = 0; n < 6; n++)
        await db.query('UPDATE jobs SET done = true WHERE id = (SELECT id FROM jobs WHERE NOT done LIMIT 1 FOR UPDATE SKIP LOCKED)');
    },
    async transactions() {
      for (let id = 1; id <= 6; id++) {
        const client = await db.connect();
        try {
          await client.query('BEGIN');
          await client.query('UPDATE orders SET total = total + $1 WHERE id = $2', [id, id]);
          await client.query('COMMIT');
        } finally {
          client.release();
        }
      }
    },
    async locks() {
      for (let id = 1; id <= 6; id++) await db.query('SELECT pg_advisory_xact_lock($1)', [id]);
    },
  };
};
