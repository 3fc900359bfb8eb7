'use strict';
// The shop's SQLite file, shared by all processes that serve the shop.
//
// Write-ahead log: readers never wait for the one writer. Whoever starts first makes the tables and
// fills them, in one exclusive transaction; the others wait for it and find the work done.

const fs = require('node:fs');
const path = require('node:path');
const Database = require('libsql');
const { seed } = require('./seed.js');

const SCHEMA_VERSION = 1;
const BUSY_MS = 20000;

const folder = path.resolve(process.env.SHOP_DATA ?? path.join(__dirname, '../data'));
fs.mkdirSync(path.join(folder, 'pictures'), { recursive: true });

// Opening, and the switch to the write-ahead log, fail at once while another process does the
// same: SQLite's own waiting does not cover them.
function open(file) {
  const end = Date.now() + BUSY_MS;
  for (;;) {
    try {
      const connection = new Database(file, { timeout: BUSY_MS });
      connection.pragma('journal_mode = WAL');
      connection.pragma('synchronous = NORMAL');
      connection.pragma('foreign_keys = ON');
      return connection;
    } catch (error) {
      if (!/busy|locked/i.test(`${error.code} ${error.message}`) || Date.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
    }
  }
}

const connection = open(path.join(folder, 'shop.db'));

function one(statement, args) {
  const row = statement.get(...args);
  if (row) delete row._metadata; // libsql's own timing
  return row;
}

/** The statement, prepared once: .all(), .get(), .run() with positional values. */
const prepared = new Map();
function sql(text) {
  let ready = prepared.get(text);
  if (!ready) {
    const statement = connection.prepare(text);
    ready = {
      all: (...args) => statement.all(...args),
      get: (...args) => one(statement, args),
      run: (...args) => statement.run(...args),
    };
    prepared.set(text, ready);
  }
  return ready;
}

/** Runs `work` in a transaction that holds the write lock from its start. */
function transaction(work) {
  return connection.transaction(work).immediate();
}

const SCHEMA = `
  CREATE TABLE products (
    id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, category TEXT NOT NULL,
    description TEXT NOT NULL, price_cents INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0),
    picture TEXT);
  CREATE INDEX products_category ON products (category, name);
  CREATE TABLE orders (
    id INTEGER PRIMARY KEY, session TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
    total_cents INTEGER NOT NULL, created_at INTEGER NOT NULL);
  CREATE INDEX orders_session ON orders (session, id);
  CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders, product_id INTEGER NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL, PRIMARY KEY (order_id, product_id)) WITHOUT ROWID;
  CREATE TABLE cart_items (
    session TEXT NOT NULL, product_id INTEGER NOT NULL REFERENCES products, quantity INTEGER NOT NULL,
    changed_at INTEGER NOT NULL, PRIMARY KEY (session, product_id)) WITHOUT ROWID;
  CREATE INDEX cart_items_changed ON cart_items (changed_at);
  CREATE TABLE changes (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL);
`;

transaction(() => {
  const { user_version: version } = one(connection.prepare('PRAGMA user_version'), []);
  if (version === SCHEMA_VERSION) return;
  if (version !== 0)
    throw new Error(`${folder}/shop.db has version ${version}, this shop reads ${SCHEMA_VERSION}: remove the folder`);
  const start = performance.now();
  connection.exec(SCHEMA);
  const counts = seed(sql);
  connection.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  console.log(
    `shop: made ${folder}/shop.db: ${counts.products} products, ${counts.orders} orders ` +
      `(${Math.round(performance.now() - start)} ms)`,
  );
});

module.exports = { sql, transaction, folder, close: () => connection.close() };
