'use strict';
// A cache by query string: every new query is a new property, for ever.
const http = require('node:http');

class Catalogue {
  constructor() {
    this.cache = {};
  }

  find(query) {
    this.cache[query] ??= { query, hits: [{ sku: `sku-${query}` }, { sku: `alt-${query}` }] };
    return this.cache[query];
  }
}

const catalogue = new Catalogue();
let n = 0;
http
  .createServer((req, res) => {
    const found = catalogue.find(`kettle-${n++}`);
    res.end(JSON.stringify(found));
  })
  .listen(process.env.PORT ?? 3000);
