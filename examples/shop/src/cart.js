'use strict';
// What a session has put aside. Lives in the database: the next request may meet another worker.

const { sql } = require('./db.js');

const QUANTITY_MAX = 20;
const LINES_MAX = 50;
const KEPT_MS = 7 * 86400000;

exports.read = function read(session) {
  const lines = sql(
    `SELECT p.id, p.slug, p.name, p.category, p.price_cents, p.stock, c.quantity
     FROM cart_items c JOIN products p ON p.id = c.product_id WHERE c.session = ? ORDER BY p.name`,
  ).all(session);
  const total_cents = lines.reduce((sum, line) => sum + line.price_cents * line.quantity, 0);
  return { lines, total_cents, count: lines.reduce((sum, line) => sum + line.quantity, 0) };
};

exports.count = (session) =>
  sql('SELECT coalesce(sum(quantity), 0) AS count FROM cart_items WHERE session = ?').get(session).count;

/** Puts `quantity` more of a product in. False: the cart is full. */
exports.add = function add(session, productId, quantity, now) {
  const { lines } = sql('SELECT count(*) AS lines FROM cart_items WHERE session = ?').get(session);
  if (lines >= LINES_MAX) return false;
  sql(
    `INSERT INTO cart_items (session, product_id, quantity, changed_at) VALUES (?1, ?2, min(?3, ${QUANTITY_MAX}), ?4)
     ON CONFLICT DO UPDATE SET quantity = min(quantity + ?3, ${QUANTITY_MAX}), changed_at = ?4`,
  ).run(session, productId, quantity, now);
  return true;
};

exports.remove = (session, productId) =>
  sql('DELETE FROM cart_items WHERE session = ? AND product_id = ?').run(session, productId).changes > 0;

/** Carts that were left standing. */
exports.sweep = (now) => sql('DELETE FROM cart_items WHERE changed_at < ?').run(now - KEPT_MS).changes;
