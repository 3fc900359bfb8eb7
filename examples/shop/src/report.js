'use strict';
// The sales report: months, customers, what sells together, and a forecast for every product.
// It is computed when somebody asks, on the loop, from the orders themselves: a piece of work that
// is honest but long (0.1 to 0.3 s), as many an application has one.

const { sql } = require('./db.js');
const faults = require('./faults.js');

const ORDERS_MAX = 8000;
const WEEK_MS = 7 * 86400000;

/** [[a, b, times]]: which two products are most often in one order. */
function pairsByMap(orders) {
  const times = new Map();
  for (const { items } of orders)
    for (let i = 0; i < items.length; i++)
      for (let j = i + 1; j < items.length; j++) {
        const key = items[i].product_id * 100000 + items[j].product_id;
        times.set(key, (times.get(key) ?? 0) + 1);
      }
  return [...times].map(([key, count]) => [Math.floor(key / 100000), key % 100000, count]);
}

// The same, but each pair is looked for in a list, and every order is compared with every other to
// leave out those that were sent twice.
function pairsByLooking(orders) {
  const key = (order) => `${order.email} ${order.created_at} ${order.total_cents}`;
  const once = orders.filter((order, at) => orders.findIndex((other) => key(other) === key(order)) === at);
  const pairs = [];
  for (const { items } of once)
    for (let i = 0; i < items.length; i++)
      for (let j = i + 1; j < items.length; j++) {
        const found = pairs.find(([a, b]) => a === items[i].product_id && b === items[j].product_id);
        if (found) found[2]++;
        else pairs.push([items[i].product_id, items[j].product_id, 1]);
      }
  return pairs;
}

/** Sales of next week by exponential smoothing with a trend (Holt), best fit over a grid. */
function forecast(weeks) {
  let best = { error: Infinity, next: 0 };
  for (let alpha = 0.02; alpha < 1; alpha += 0.02)
    for (let beta = 0.02; beta < 1; beta += 0.02) {
      let level = weeks[0];
      let trend = 0;
      let error = 0;
      for (let n = 1; n < weeks.length; n++) {
        const off = weeks[n] - (level + trend);
        error += off * off;
        const before = level;
        level = alpha * weeks[n] + (1 - alpha) * (level + trend);
        trend = beta * (level - before) + (1 - beta) * trend;
      }
      if (error < best.error) best = { error, next: Math.max(0, level + trend) };
    }
  return Math.round(best.next * 10) / 10;
}

exports.report = function report() {
  const start = performance.now();
  const products = new Map(
    sql('SELECT id, slug, name, category FROM products').all().map((product) => [product.id, product]),
  );
  const orders = sql('SELECT id, email, total_cents, created_at FROM orders ORDER BY id DESC LIMIT ?').all(ORDERS_MAX);
  const byId = new Map(orders.map((order) => [order.id, Object.assign(order, { items: [] })]));
  const oldest = orders.at(-1)?.id ?? 0;
  for (const item of sql('SELECT * FROM order_items WHERE order_id >= ? ORDER BY order_id, product_id').all(oldest))
    byId.get(item.order_id)?.items.push(item);

  const months = new Map();
  const customers = new Map();
  const weekly = new Map();
  const newest = orders.reduce((most, { created_at }) => Math.max(most, created_at), 0);
  const weeks = 53;
  for (const { email, total_cents, created_at, items } of orders) {
    const month = new Date(created_at).toISOString().slice(0, 7);
    const row = months.get(month) ?? { month, orders: 0, total_cents: 0, categories: {} };
    row.orders++;
    row.total_cents += total_cents;
    months.set(month, row);
    const customer = customers.get(email) ?? { email, orders: 0, total_cents: 0 };
    customer.orders++;
    customer.total_cents += total_cents;
    customers.set(email, customer);
    const week = weeks - 1 - Math.floor((newest - created_at) / WEEK_MS);
    for (const { product_id, quantity, price_cents } of items) {
      const { category } = products.get(product_id);
      row.categories[category] = (row.categories[category] ?? 0) + quantity * price_cents;
      if (week < 0) continue;
      const sold = weekly.get(product_id) ?? new Array(weeks).fill(0);
      sold[week] += quantity;
      weekly.set(product_id, sold);
    }
  }

  const name = (id) => products.get(id).name;
  const pairs = (faults.block ? pairsByLooking : pairsByMap)(orders)
    .sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1])
    .slice(0, 10)
    .map(([a, b, times]) => ({ a: name(a), b: name(b), times }));
  const forecasts = [...weekly]
    .map(([id, sold]) => ({ id, name: name(id), next_week: forecast(sold) }))
    .sort((a, b) => b.next_week - a.next_week || a.id - b.id)
    .slice(0, 10);

  return {
    orders: orders.length,
    total_cents: orders.reduce((sum, { total_cents }) => sum + total_cents, 0),
    months: [...months.values()].sort((a, b) => a.month.localeCompare(b.month)),
    customers: [...customers.values()]
      .sort((a, b) => b.total_cents - a.total_cents || a.email.localeCompare(b.email))
      .slice(0, 10),
    pairs,
    forecasts,
    pid: process.pid,
    took_ms: Math.round(performance.now() - start),
  };
};
