'use strict';
// A context per request that ends with it, and one hook for the shutdown.
const { AsyncLocalStorage, AsyncResource } = require('node:async_hooks');
const http = require('node:http');
const { setTimeout: delay } = require('node:timers/promises');

const context = new AsyncLocalStorage();
const shutdownHooks = [AsyncResource.bind(() => context.getStore())];

async function handle(req, res) {
  await delay(1);
  res.end(`${context.getStore().user.name} of ${shutdownHooks.length}\n`);
}

let n = 0;
http
  .createServer((req, res) => {
    const user = { name: `user-${n++}`, permissions: new Array(100).fill(n) };
    context.run({ user }, handle, req, res);
  })
  .listen(process.env.PORT ?? 3000);
