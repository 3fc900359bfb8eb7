'use strict';
// Redis, MariaDB and other servers, one after the other.
const http = require('node:http');
const mysql = require('mysql2/promise');
const Redis = require('ioredis');

exports.needs = 'MYSQL_URL';
exports.open = async () => {
  const db = mysql.createPool(process.env.MYSQL_URL);
  const redis = new Redis(process.env.REDIS_URL);
  await db.query('CREATE TABLE m_users (id INTEGER PRIMARY KEY, name VARCHAR(40), token VARCHAR(40))');
  await db.query("INSERT INTO m_users VALUES (1, 'Ada', 'token-of-ada'), (2, 'Grace', 'token-of-grace')");
  await redis.set('session:abc', JSON.stringify({ user: 'Grace' }));
  await redis.set('banner:home', 'welcome back');
  const server = http.createServer((req, res) => setTimeout(() => res.end('{"name":"Ada","country":"se"}'), 2));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${server.address().port}`;
  const api = async (path) => (await fetch(url + path)).json();
  return {
    async independent() {
      const banner = await redis.get('banner:home');
      const [users] = await db.query('SELECT count(*) AS n FROM m_users WHERE id > ?', [0]);
      return { banner, users };
    },
    object: async () => ({
      rates: await api('/rates'),
      weather: await api('/weather'),
    }),
    async session() {
      const session = JSON.parse(await redis.get('session:abc'));
      const [users] = await db.query('SELECT name FROM m_users WHERE name = ?', [session.user]);
      return users;
    },
    async limited() {
      const used = await redis.get('limit:1');
      if (Number(used) > 100) throw new Error('too many');
      const [users] = await db.query('SELECT id, name FROM m_users WHERE id = ?', [2]);
      return users;
    },
    async chained() {
      const user = await api('/me');
      const place = await api(`/countries/${user.country}`);
      return place;
    },
    // What is needed goes by way of an object: only its value tells.
    async indirect() {
      const context = {};
      const user = await remember(db, context);
      const [rows] = await db.query('SELECT id FROM m_users WHERE token = ?', [context.token]);
      return [user, rows];
    },
  };
};

async function remember(db, context) {
  const [[user]] = await db.query('SELECT name, token FROM m_users WHERE id = ?', [2]);
  context.token = user.token;
  return user.name;
}
