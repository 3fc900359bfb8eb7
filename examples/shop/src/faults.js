'use strict';
// FAULTS=leak,block,nplus1,listeners puts real bugs into the shop, for the tools that find them.
// Each stands beside the code that does it right: look for `faults.`.

const known = {
  leak: 'what a session has viewed is kept for ever, with whole products (src/viewed.js)',
  block: 'search backtracks and the report compares every order with every other (src/search.js, src/report.js)',
  nplus1: 'lists of orders ask for items and products one by one (src/orders.js)',
  listeners: 'live connections never take their listeners off the bus (src/live.js)',
};

const asked = (process.env.FAULTS ?? '').split(',').map((word) => word.trim()).filter(Boolean);
const unknown = asked.filter((word) => !(word in known));
if (unknown.length > 0) {
  console.error(
    `shop: FAULTS names ${unknown.map((word) => `"${word}"`).join(', ')}; ` +
      `it can name ${Object.keys(known).join(', ')}`,
  );
  process.exit(2);
}

for (const word of Object.keys(known)) exports[word] = asked.includes(word);
exports.active = asked.map((word) => `${word}: ${known[word]}`);
