'use strict';
const { createClient } = require('redis');

exports.needs = 'REDIS_URL';
exports.open = async () => {
  const redis = createClient({ url: process.env.REDIS_URL });
  await redis.connect();
  const keys = Array.from({ length: 8 }, (_, i) => `item:${i}`);
  await redis.mSet(keys.map((key) => [key, key]));
  return {
    async loop() {
      for (const key of keys) await redis.get(key);
    },
    mget: () => redis.mGet(keys),
    all: () => Promise.all(keys.map((key) => redis.get(key))),
    multi: () => keys.reduce((m, key) => m.get(key), redis.multi()).exec(),
  };
};
