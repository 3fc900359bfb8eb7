'use strict';
// Prisma on PostgreSQL, by its adapter for pg.
const shared = require('../pg-pool.js');

exports.needs = 'PG_URL';
exports.open = async () => {
  await shared.open();
  const { PrismaPg } = require('@prisma/adapter-pg');
  const { PrismaClient } = require('../prisma-client.js');
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.PG_URL, max: 4 }) });
  return {
    async loop() {
      const names = [];
      for (const order of await prisma.orders.findMany()) names.push((await prisma.users.findFirst({ where: { id: order.userId } })).name);
      return names;
    },
    async updates() {
      for (let id = 1; id <= 6; id++) await prisma.users.update({ where: { id }, data: { org: id } });
    },
    include: () => prisma.orders.findMany({ include: { user: true } }),
    async once() {
      const found = await prisma.orders.findMany();
      return prisma.users.findMany({ where: { id: { in: found.map((order) => order.userId) } } });
    },
    // Prisma makes one statement of these.
    async unique() {
      const found = await prisma.orders.findMany();
      return Promise.all(found.map((order) => prisma.users.findUnique({ where: { id: order.userId } })));
    },
  };
};
