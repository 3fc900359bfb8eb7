'use strict';
// Sequelize on MariaDB.
const { DataTypes, Sequelize } = require('sequelize');
const { ROWS } = require('../tables.js');

exports.needs = 'MYSQL_URL';
exports.open = async () => {
  const db = new Sequelize(`${process.env.MYSQL_URL}`, { dialect: 'mysql', logging: false, define: { timestamps: false, underscored: true }, pool: { max: 4 } });
  const id = { type: DataTypes.INTEGER, primaryKey: true };
  const User = db.define('user', { id, name: DataTypes.STRING, org: DataTypes.INTEGER }, { tableName: 's_users' });
  const Order = db.define('order', { id, total: DataTypes.INTEGER, userId: DataTypes.INTEGER }, { tableName: 's_orders' });
  const Log = db.define('log', { text: DataTypes.STRING }, { tableName: 's_log' });
  Order.belongsTo(User, { constraints: false });
  await db.sync();
  await db.query(ROWS[0].replace('users', 's_users (id, name, org)'));
  await db.query(ROWS[1].replace('orders', 's_orders (id, user_id, total)'));
  return {
    async lazy() {
      const names = [];
      for (const order of await Order.findAll()) names.push((await order.getUser()).name);
      return names;
    },
    async parallel() {
      const orders = await Order.findAll();
      return Promise.all(orders.map((order) => User.findByPk(order.userId, { attributes: ['name'] })));
    },
    include: () => Order.findAll({ include: User }),
    async creates() {
      for (let i = 0; i < 6; i++) await Log.create({ text: `line ${i}` });
    },
    bulk: () => Log.bulkCreate(Array.from({ length: 6 }, (_, i) => ({ text: `line ${i}` }))),
  };
};
