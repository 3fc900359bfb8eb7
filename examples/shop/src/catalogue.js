'use strict';
// Products: lists, one of them, and what is left of them.

const { sql } = require('./db.js');
const { categories } = require('./seed.js');

const PAGE = 24;

exports.categories = categories;

/** One page of a category (or of everything): { products, page, pages, count }. */
exports.list = function list({ category, page = 1 } = {}) {
  const where = category ? 'WHERE category = ?' : '';
  const args = category ? [category] : [];
  const { count } = sql(`SELECT count(*) AS count FROM products ${where}`).get(...args);
  const pages = Math.max(1, Math.ceil(count / PAGE));
  page = Math.min(Math.max(1, page), pages);
  const products = sql(
    `SELECT id, slug, name, category, price_cents, stock FROM products ${where}
     ORDER BY name LIMIT ${PAGE} OFFSET ?`,
  ).all(...args, (page - 1) * PAGE);
  return { products, page, pages, count };
};

exports.byId = (id) => sql('SELECT * FROM products WHERE id = ?').get(id);
exports.bySlug = (slug) => sql('SELECT * FROM products WHERE slug = ?').get(slug);
exports.setPicture = (id, file) => sql('UPDATE products SET picture = ? WHERE id = ?').run(file, id);

/** What is often in the same order as this product. */
exports.alsoBought = (id) =>
  sql(
    `SELECT p.id, p.slug, p.name, p.category, p.price_cents, p.stock, count(*) AS times
     FROM order_items mine JOIN order_items other USING (order_id) JOIN products p ON p.id = other.product_id
     WHERE mine.order_id IN (SELECT order_id FROM order_items WHERE product_id = ?1 ORDER BY order_id DESC LIMIT 200)
       AND mine.product_id = ?1 AND other.product_id <> ?1
     GROUP BY p.id ORDER BY times DESC, p.id LIMIT 4`,
  ).all(id);
