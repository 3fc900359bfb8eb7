'use strict';
// Search: every word of the query must be in the name, the category or the description.

const { sql } = require('./db.js');
const faults = require('./faults.js');

const QUERY_MAX = 80;
const FOUND_MAX = 50;

// Is it made of words at all? The first expression can split a run of letters in exponentially many
// ways, and tries them all when the last character does not fit: 30 letters and a "!" take seconds.
const wordsSlow = /^([\p{L}\d]+[\s'-]*)*$/u;
const wordsFast = /^[\p{L}\d\s'-]*$/u;

/** { query, products, error }: `error` says why a query is refused. */
exports.search = function search(text) {
  const query = String(text ?? '').trim().slice(0, QUERY_MAX);
  if (query === '') return { query, products: [] };
  if (!(faults.block ? wordsSlow : wordsFast).test(query))
    return { query, products: [], error: 'A search is made of letters, digits, spaces, hyphens and apostrophes.' };

  const words = query.toLowerCase().split(/[\s'-]+/).filter(Boolean).slice(0, 6);
  const products = sql('SELECT id, slug, name, category, description, price_cents, stock FROM products').all();
  const score = ({ name, category, description }) => {
    const fields = [name.toLowerCase(), category.toLowerCase(), description.toLowerCase()];
    let sum = 0;
    for (const word of words) {
      const where = fields.findIndex((field) => field.includes(word));
      if (where === -1) return 0;
      sum += 3 - where;
    }
    return sum;
  };
  return {
    query,
    products: products
      .map((product) => ({ product, score: score(product) }))
      .filter((found) => found.score > 0)
      .sort((a, b) => b.score - a.score || a.product.name.localeCompare(b.product.name))
      .slice(0, FOUND_MAX)
      .map((found) => found.product),
  };
};
