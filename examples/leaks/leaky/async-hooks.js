'use strict';
// A tracer that notes when each asynchronous resource was made, and never that it is gone.
const asyncHooks = require('node:async_hooks');
const http = require('node:http');

const resources = new Map();

asyncHooks
  .createHook({
    init(asyncId, type, triggerAsyncId) {
      resources.set(asyncId, { type, triggerAsyncId, at: process.hrtime() });
    },
  })
  .enable();

http.createServer((req, res) => res.end('traced\n')).listen(process.env.PORT ?? 3000);
