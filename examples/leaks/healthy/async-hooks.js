'use strict';
// The same tracer with destroy(), so that it knows those that are alive.
const asyncHooks = require('node:async_hooks');
const http = require('node:http');

const resources = new Map();

asyncHooks
  .createHook({
    init(asyncId, type, triggerAsyncId) {
      if (type !== 'PROMISE') resources.set(asyncId, { type, triggerAsyncId, at: process.hrtime() });
    },
    destroy(asyncId) {
      resources.delete(asyncId);
    },
  })
  .enable();

http.createServer((req, res) => res.end('traced\n')).listen(process.env.PORT ?? 3000);
