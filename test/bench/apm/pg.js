'use strict';
// Express and one route that asks PostgreSQL three times, one after the other.
const path = require('node:path');
const { createRequire } = require('node:module');
const express = require('express');
const { Pool } = createRequire(path.join(__dirname, '../../../examples/queries/server.js'))('pg');

const pool = new Pool({ connectionString: process.env.PG_URL, max: 8 }); // all contenders together stay below what a server takes
const one = async (sql, values) => (await pool.query(sql, values)).rows[0];
const app = express();
app.get('/users/:id', async (req, res) => {
  const { name } = await one('SELECT relname AS name FROM pg_class WHERE oid = $1', [Number(req.params.id) + 1200]) ?? { name: 'nobody' };
  const { count } = await one('SELECT count(*) AS count FROM pg_namespace');
  const { now } = await one('SELECT $1::int + 1 AS now', [req.params.id]);
  res.json({ name, count, now });
});
app.listen(process.env.PORT, '127.0.0.1');
