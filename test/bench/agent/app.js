'use strict';
/* The apps of the stand: APP=hello (plain http), json (Express), rows (three statements of node:sqlite
 * and an await each), nothing (listens and that is all).
 * LISTEN is the unix path of the bare side; under the agent the port is answered with one. */
const app = {
  hello() {
    return require('http').createServer((req, res) => res.end('hello'));
  },
  json() {
    const express = require('express')();
    express.get('/json', (req, res) => res.json({ hello: 'world', at: 1, list: [1, 2, 3] }));
    return require('http').createServer(express);
  },
  rows() {
    const { DatabaseSync } = require('node:sqlite');
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)');
    for (let i = 0; i < 100; i++) db.prepare('INSERT INTO t (name) VALUES (?)').run(`row ${i}`);
    const statements = ['SELECT * FROM t WHERE id = ?', 'SELECT name FROM t WHERE id = ?', 'SELECT id FROM t WHERE id > ? LIMIT 5']
      .map((sql) => db.prepare(sql));
    return require('http').createServer(async (req, res) => {
      const found = [];
      for (const statement of statements) found.push(await statement.all(7));
      res.end(JSON.stringify(found));
    });
  },
};
const server = app[process.env.APP]();
server.keepAliveTimeout = 0;
server.listen(process.env.LISTEN || 0, () => process.stdout.write('listening\n'));
process.on('SIGUSR2', () => {
  global.gc?.();
  process.stdout.write('collected\n');
});
