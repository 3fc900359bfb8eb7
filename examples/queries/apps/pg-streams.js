'use strict';
// Cursors and streams of PostgreSQL: many reads of one statement.
const Cursor = require('pg-cursor');
const QueryStream = require('pg-query-stream');
const shared = require('../pg-pool.js');

exports.needs = 'PG_URL';
exports.open = async () => {
  const db = await shared.open();
  const held = (use) => async () => {
    const client = await db.connect();
    try {
      return await use(client);
    } finally {
      client.release();
    }
  };
  return {
    cursor: held(async (client) => {
      const cursor = client.query(new Cursor('SELECT * FROM items'));
      let n = 0;
      for (let rows; (rows = await cursor.read(5)).length > 0; ) n += rows.length;
      await cursor.close();
      return n;
    }),
    fetch: held(async (client) => {
      await client.query('BEGIN');
      await client.query('DECLARE c CURSOR FOR SELECT * FROM items');
      let n = 0;
      for (let rows; ({ rows } = await client.query('FETCH 5 FROM c')), rows.length > 0; ) n += rows.length;
      await client.query('COMMIT');
      return n;
    }),
    stream: held(async (client) => {
      let n = 0;
      for await (const row of client.query(new QueryStream('SELECT * FROM items'))) n += row.id;
      return n;
    }),
    row: held(async (client) => {
      const names = [];
      for await (const { user_id: id } of client.query(new QueryStream('SELECT user_id FROM orders')))
        names.push((await db.query('SELECT name FROM users WHERE id = $1', [id])).rows[0].name);
      return names;
    }),
  };
};
