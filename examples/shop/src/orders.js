'use strict';
// From cart to order, and the orders there are.

const { sql, transaction } = require('./db.js');
const cart = require('./cart.js');
const live = require('./live.js');
const faults = require('./faults.js');

const RESTOCK_BELOW = 10;
const RESTOCK_BY = 200;

class Refused extends Error {}
exports.Refused = Refused;

/** Makes an order of a session's cart and empties the cart, or throws Refused. Gives the order. */
exports.place = function place(session, { name, email }, now) {
  const order = transaction(() => {
    const { lines, total_cents } = cart.read(session);
    if (lines.length === 0) throw new Refused('The cart is empty.');
    for (const line of lines)
      if (line.stock < line.quantity) throw new Refused(`Only ${line.stock} of “${line.name}” are left.`);

    const id = Number(
      sql('INSERT INTO orders (session, name, email, total_cents, created_at) VALUES (?, ?, ?, ?, ?)').run(
        session, name, email, total_cents, now,
      ).lastInsertRowid,
    );
    for (const { id: product, quantity, price_cents, stock } of lines) {
      sql('INSERT INTO order_items (order_id, product_id, quantity, price_cents) VALUES (?, ?, ?, ?)').run(
        id, product, quantity, price_cents,
      );
      // The supplier is next door.
      const left = stock - quantity < RESTOCK_BELOW ? stock - quantity + RESTOCK_BY : stock - quantity;
      sql('UPDATE products SET stock = ? WHERE id = ?').run(left, product);
      live.record('stock', { id: product, stock: left });
    }
    sql('DELETE FROM cart_items WHERE session = ?').run(session);
    const items = lines.reduce((sum, line) => sum + line.quantity, 0);
    live.record('order', { id, total_cents, items, name: name.split(' ')[0] });
    return { id, total_cents, created_at: now };
  });
  live.look();
  return order;
};

const withItems = (orders) => {
  if (faults.nplus1) {
    // One statement for the items of each order, and one for the product of each item.
    for (const order of orders) {
      order.items = sql('SELECT product_id, quantity, price_cents FROM order_items WHERE order_id = ?').all(order.id);
      for (const item of order.items) {
        const product = sql('SELECT slug, name FROM products WHERE id = ?').get(item.product_id);
        Object.assign(item, product);
      }
    }
    return orders;
  }
  const byId = new Map(orders.map((order) => [order.id, Object.assign(order, { items: [] })]));
  const items = sql(
    `SELECT i.order_id, i.product_id, i.quantity, i.price_cents, p.slug, p.name
     FROM order_items i JOIN products p ON p.id = i.product_id
     WHERE i.order_id IN (SELECT value FROM json_each(?)) ORDER BY i.order_id, p.name`,
  ).all(JSON.stringify([...byId.keys()]));
  for (const { order_id, ...item } of items) byId.get(order_id).items.push(item);
  return orders;
};

/** A session's orders, or with null everybody's; the newest first, with their items. */
exports.list = function list(session, limit = 50) {
  const columns = 'id, name, total_cents, created_at';
  return withItems(
    session === null
      ? sql(`SELECT ${columns} FROM orders ORDER BY id DESC LIMIT ?`).all(limit)
      : sql(`SELECT ${columns} FROM orders WHERE session = ? ORDER BY id DESC LIMIT ?`).all(session, limit),
  );
};

exports.one = function one(session, id) {
  const order = sql('SELECT id, name, email, total_cents, created_at FROM orders WHERE id = ? AND session = ?').get(id, session);
  return order && withItems([order])[0];
};
