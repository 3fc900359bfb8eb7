// A module that takes long to load: it makes a table.
const prices = new Map();
for (let i = 0; i < 8e6; i++) prices.set(i % 5000, Math.sqrt(i));

module.exports = { count: prices.size };
