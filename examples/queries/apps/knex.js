'use strict';
// Knex on PostgreSQL.
const shared = require('../pg-pool.js');

exports.needs = 'PG_URL';
exports.open = async () => {
  await shared.open();
  const knex = require('knex')({ client: 'pg', connection: process.env.PG_URL, pool: { min: 1, max: 4 } });
  return {
    async loop() {
      const orders = await knex('orders').select('*');
      for (const order of orders) order.user = await knex('users').select('name', 'org').where({ id: order.user_id }).first();
      return orders;
    },
    async whereIn() {
      const ids = await knex('orders').pluck('user_id');
      return knex('users').whereIn('id', ids);
    },
    async inserts() {
      for (let i = 0; i < 6; i++) await knex('log').insert({ id: i, text: 'knex' });
    },
    batch: () => knex.batchInsert('log', Array.from({ length: 12 }, (_, id) => ({ id, text: 'batch' })), 2),
    join: () => knex('orders').join('users', 'users.id', 'orders.user_id').select('orders.id', 'users.name'),
  };
};
