'use strict';
// The same statement for each of several databases.
const { DatabaseSync } = require('node:sqlite');
const { SETUP } = require('../tables.js');

exports.open = () => {
  const shards = Array.from({ length: 8 }, () => new DatabaseSync(':memory:'));
  for (const db of shards) for (const sql of SETUP) db.exec(sql);
  return {
    all: () => shards.map((db, i) => db.prepare('SELECT count(*) AS n FROM orders WHERE user_id = ?').get(i)),
    one: () => [1, 2, 3, 4, 5, 6].map((id) => shards[0].prepare('SELECT total FROM orders WHERE id = ?').get(id)),
  };
};
