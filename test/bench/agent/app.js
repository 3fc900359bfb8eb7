'use strict';
/* The apps of the stand: APP=hello (plain http), json (Express), nothing (listens and that is all).
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
};
const server = app[process.env.APP]();
server.keepAliveTimeout = 0;
server.listen(process.env.LISTEN || 0, () => process.stdout.write('listening\n'));
process.on('SIGUSR2', () => {
  global.gc?.();
  process.stdout.write('collected\n');
});
