'use strict';
// GraphQL: resolvers that ask for themselves, and those that share a loader.
const { buildSchema, graphql } = require('graphql');
const DataLoader = require('dataloader');
const shared = require('../pg-pool.js');

const schema = buildSchema('type User { name: String } type Order { id: Int, user: User } type Query { orders: [Order] }');
const QUERY = '{ orders { id user { name } } }';

exports.needs = 'PG_URL';
exports.open = async () => {
  const db = await shared.open();
  const orders = async (user) => {
    const { rows } = await db.query('SELECT id, user_id FROM orders');
    return rows.map((row) => ({ id: row.id, user: () => user(row.user_id) }));
  };
  const alone = {
    orders: () =>
      orders(async (id) => (await db.query('SELECT name, id FROM users WHERE id = $1', [id])).rows[0]),
  };
  const loaded = () => {
    const users = new DataLoader(async (ids) => {
      const { rows } = await db.query('SELECT id, name FROM users WHERE id = ANY($1)', [ids]);
      return ids.map((id) => rows.find((row) => row.id === id));
    });
    return { orders: () => orders((id) => users.load(id)) };
  };
  return {
    resolvers: () => graphql({ schema, source: QUERY, rootValue: alone }),
    loader: () => graphql({ schema, source: QUERY, rootValue: loaded() }),
  };
};
