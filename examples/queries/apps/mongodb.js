'use strict';
// MongoDB's driver.
exports.needs = 'MONGODB_URL';
exports.open = async () => {
  const { MongoClient } = require('mongodb');
  const client = await new MongoClient(process.env.MONGODB_URL).connect();
  const db = client.db();
  const users = db.collection('users');
  const orders = db.collection('orders');
  const log = db.collection('log');
  await users.insertMany(Array.from({ length: 8 }, (_, i) => ({ _id: i + 1, name: `user ${i + 1}` })));
  await orders.insertMany(Array.from({ length: 12 }, (_, i) => ({ _id: i + 1, user: ((i + 1) % 8) + 1 })));
  return {
    async loop() {
      const found = await orders.find().toArray();
      for (const order of found) order.name = (await users.findOne({ _id: order.user })).name;
      return found;
    },
    async inserts() {
      for (let i = 0; i < 6; i++) await log.insertOne({ text: `line ${i}` });
    },
    async once() {
      const found = await orders.find().toArray();
      return users.find({ _id: { $in: found.map((order) => order.user) } }).toArray();
    },
    many: () => log.insertMany(Array.from({ length: 6 }, (_, i) => ({ text: `line ${i}` }))),
    async cursor() {
      let n = 0;
      for await (const order of orders.find({}, { batchSize: 2 })) n += order.user;
      return n;
    },
  };
};
