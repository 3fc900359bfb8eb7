'use strict';
// Drizzle on PostgreSQL.
const shared = require('../pg-pool.js');

exports.needs = 'PG_URL';
exports.open = async () => {
  const { drizzle } = require('drizzle-orm/node-postgres');
  const { integer, pgTable, varchar } = require('drizzle-orm/pg-core');
  const { eq, inArray } = require('drizzle-orm');
  const users = pgTable('users', { id: integer('id').primaryKey(), name: varchar('name'), org: integer('org') });
  const orders = pgTable('orders', { id: integer('id').primaryKey(), userId: integer('user_id'), total: integer('total') });
  const log = pgTable('log', { id: integer('id'), text: varchar('text') });
  const db = drizzle(await shared.open());
  return {
    async loop() {
      const names = [];
      for (const order of await db.select().from(orders)) {
        const [user] = await db.select({ name: users.name }).from(users).where(eq(users.id, order.userId));
        names.push(user.name);
      }
      return names;
    },
    async inserts() {
      for (let i = 0; i < 6; i++) await db.insert(log).values({ id: i, text: 'drizzle' });
    },
    async inArray() {
      const found = await db.select({ id: orders.userId }).from(orders);
      return db.select().from(users).where(inArray(users.id, found.map((order) => order.id)));
    },
    join: () => db.select({ id: orders.id, name: users.name }).from(orders).innerJoin(users, eq(users.id, orders.userId)),
    bulk: () => db.insert(log).values(Array.from({ length: 6 }, (_, id) => ({ id, text: 'drizzle' }))),
    transaction: () => db.transaction(async (tx) => {
      await tx.insert(log).values({ id: 1, text: 'in' });
      return tx.select().from(users).where(eq(users.id, 1));
    }),
  };
};
