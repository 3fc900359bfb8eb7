'use strict';
// Settings that two of the programs load.
module.exports = {
  title: 'The General Store',
  currencies: ['EUR', 'CHF', 'GBP', 'USD'],
  greet: (name) => `Welcome, ${name}`,
};
