'use strict';
// A cache by country: it warms up and then stays as it is, because there are only so many countries.
const http = require('node:http');

const COUNTRIES = ['AT', 'BE', 'CH', 'CZ', 'DE', 'DK', 'ES', 'FI', 'FR', 'IE', 'IT', 'NL', 'NO', 'PL', 'PT', 'SE'];

class Catalogue {
  constructor() {
    this.cache = {};
  }

  find(country) {
    this.cache[country] ??= { country, hits: [{ sku: `sku-${country}` }, { sku: `alt-${country}` }] };
    return this.cache[country];
  }
}

const catalogue = new Catalogue();
let n = 0;
http
  .createServer((req, res) => {
    const found = catalogue.find(COUNTRIES[n++ % COUNTRIES.length]);
    res.end(JSON.stringify(found));
  })
  .listen(process.env.PORT ?? 3000);
