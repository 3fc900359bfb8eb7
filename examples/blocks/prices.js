// A module that takes long to load: it makes a table.
const prices = new Map();
for (const until = Date.now() + 300; Date.now() < until; ) prices.set(prices.size % 5000, Math.sqrt(prices.size));

module.exports = { count: prices.size };
