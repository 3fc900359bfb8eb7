'use strict';
// One pool for all apps that use PostgreSQL; its tables are made once.
const { Pool } = require('pg');
const { SETUP } = require('./tables.js');

let pool;
exports.open = async () => {
  if (pool) return pool;
  pool = new Pool({ connectionString: process.env.PG_URL, max: 5 });
  for (const sql of SETUP) await pool.query(sql);
  return pool;
};
