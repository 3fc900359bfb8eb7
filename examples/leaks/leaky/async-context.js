'use strict';
// A hook for the shutdown, bound to the request in which it was made: each holds that request's whole context.
const { AsyncLocalStorage, AsyncResource } = require('node:async_hooks');
const http = require('node:http');

const context = new AsyncLocalStorage();
const shutdownHooks = [];

function flush() {
  return context.getStore();
}

function handle(req, res) {
  shutdownHooks.push(AsyncResource.bind(flush));
  res.end(`${context.getStore().user.name}\n`);
}

let n = 0;
http
  .createServer((req, res) => {
    const user = { name: `user-${n++}`, permissions: new Array(100).fill(n) };
    context.run({ user }, handle, req, res);
  })
  .listen(process.env.PORT ?? 3000);
