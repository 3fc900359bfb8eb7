'use strict';
// All apps of this folder in one process, each below its name: /pg-loop/orders. What an app needs that is
// not there (PG_URL, MYSQL_URL, REDIS_URL) leaves it out.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const routes = new Map();

async function load(file) {
  const app = require(path.join(__dirname, 'apps', file));
  const name = path.basename(file, '.js');
  if (app.needs && !process.env[app.needs]) return;
  for (const [route, handler] of Object.entries(await app.open())) routes.set(`/${name}/${route}`, handler);
}

async function answer(req, res) {
  const url = new URL(req.url, 'http://localhost');
  const handler = routes.get(url.pathname);
  res.setHeader('content-type', 'application/json');
  if (!handler) {
    res.statusCode = url.pathname === '/' ? 200 : 404;
    return res.end(JSON.stringify([...routes.keys()]));
  }
  try {
    res.end(JSON.stringify((await handler(url.searchParams, req)) ?? null));
  } catch (error) {
    res.statusCode = 500;
    res.end(JSON.stringify({ error: String(error.stack) }));
  }
  return undefined;
}

Promise.all(fs.readdirSync(path.join(__dirname, 'apps')).sort().map(load)).then(() => {
  http.createServer(answer).listen(process.env.PORT || 3000);
});
