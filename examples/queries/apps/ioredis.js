'use strict';
const Redis = require('ioredis');

exports.needs = 'REDIS_URL';
exports.open = async () => {
  const redis = new Redis(process.env.REDIS_URL);
  const keys = Array.from({ length: 8 }, (_, i) => `user:${i}`);
  for (const key of keys) await redis.set(key, key);
  return {
    async loop() {
      const found = [];
      for (const key of keys) found.push(await redis.get(key));
      return found;
    },
    mget: () => redis.mget(keys),
    all: () => Promise.all(keys.map((key) => redis.get(key))),
    pipeline: () => keys.reduce((p, key) => p.get(key), redis.pipeline()).exec(),
    async hashes() {
      for (const key of keys) await redis.hset(`cart:${key}`, 'a', key);
    },
    async scan() {
      for (let cursor = '0', n = 0; n < 8; n++) [cursor] = await redis.scan(cursor, 'COUNT', 1);
    },
    async pop() {
      await redis.rpush('queue:jobs', 1, 2, 3, 4, 5, 6);
      for (let n = 0; n < 6; n++) await redis.lpop('queue:jobs');
    },
  };
};
