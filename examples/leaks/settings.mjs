// Settings that two of the programs load.
export default {
  title: 'The General Store',
  currencies: ['EUR', 'CHF', 'GBP', 'USD'],
  greet: (name) => `Welcome, ${name}`,
};
