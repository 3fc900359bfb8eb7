'use strict';
/* Node's own cluster, as everyone writes it: CLUSTER workers of CLUSTER_APP, and another for each that dies. */
const cluster = require('node:cluster');

cluster.setupPrimary({ exec: process.env.CLUSTER_APP });
cluster.on('exit', () => cluster.fork());
for (let i = 0; i < Number(process.env.CLUSTER); i++) cluster.fork();
