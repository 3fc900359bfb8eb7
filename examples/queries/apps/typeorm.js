'use strict';
// TypeORM on MariaDB.
const { ROWS } = require('../tables.js');

exports.needs = 'MYSQL_URL';
exports.open = async () => {
  const { DataSource, EntitySchema, In } = require('typeorm');
  const User = new EntitySchema({
    name: 'User', tableName: 't_users', columns: { id: { type: 'int', primary: true }, name: { type: 'varchar' }, org: { type: 'int' } },
  });
  const Order = new EntitySchema({
    name: 'Order', tableName: 't_orders',
    columns: { id: { type: 'int', primary: true }, userId: { type: 'int', name: 'user_id' }, total: { type: 'int' } },
    relations: { user: { type: 'many-to-one', target: 'User', joinColumn: { name: 'user_id' }, createForeignKeyConstraints: false } },
  });
  const Log = new EntitySchema({ name: 'Log', tableName: 't_log', columns: { id: { type: 'int', primary: true, generated: true }, text: { type: 'varchar' } } });
  const source = new DataSource({ type: 'mysql', url: process.env.MYSQL_URL, entities: [User, Order, Log], synchronize: true });
  await source.initialize();
  const users = source.getRepository(User);
  const orders = source.getRepository(Order);
  const log = source.getRepository(Log);
  await source.query(ROWS[0].replace('users', 't_users (id, name, org)'));
  await source.query(ROWS[1].replace('orders', 't_orders (id, user_id, total)'));
  return {
    async loop() {
      const names = [];
      for (const order of await orders.find()) names.push((await users.findOneBy({ id: order.userId })).name);
      return names;
    },
    async inserts() {
      for (let i = 0; i < 6; i++) await log.insert({ text: `line ${i}` });
    },
    relations: () => orders.find({ relations: { user: true } }),
    async once() {
      const found = await orders.find();
      return users.findBy({ id: In(found.map((order) => order.userId)) });
    },
    bulk: () => log.insert(Array.from({ length: 6 }, (_, i) => ({ text: `line ${i}` }))),
  };
};
