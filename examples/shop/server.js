'use strict';
// A small but real shop. `node server.js`, or `fettle run server.js`: it does not know the difference.

const crypto = require('node:crypto');
const http = require('node:http');
const path = require('node:path');
const express = require('express');

const faults = require('./src/faults.js');
const db = require('./src/db.js');
const catalogue = require('./src/catalogue.js');
const cart = require('./src/cart.js');
const live = require('./src/live.js');
const orders = require('./src/orders.js');
const pages = require('./src/pages.js');
const pictures = require('./src/pictures.js');
const { report } = require('./src/report.js');
const { search } = require('./src/search.js');
const { view, viewed } = require('./src/viewed.js');

const SESSION_SECONDS = 7 * 86400;

const app = express();
app.disable('x-powered-by');
app.use('/static', express.static(path.join(__dirname, 'public'), { maxAge: '1h' }));
app.use('/pictures', express.static(pictures.folder, { maxAge: '1m', fallthrough: true }));
app.use(express.json({ limit: '64kb' }), express.urlencoded({ extended: false, limit: '64kb' }));

// A visitor is a random cookie. Nothing is stored for it before something is put into a cart.
app.use((req, res, next) => {
  const found = /(?:^|;\s*)session=([0-9a-f-]{36})(?:;|$)/.exec(req.headers.cookie ?? '');
  req.session = found?.[1] ?? crypto.randomUUID();
  if (!found)
    res.cookie('session', req.session, { httpOnly: true, sameSite: 'lax', maxAge: SESSION_SECONDS * 1000 });
  next();
});

class NotFound extends Error {
  status = 404;
}

const whole = (text) => (/^\d{1,9}$/.test(text ?? '') ? Number(text) : undefined);

function productOf(id) {
  const product = whole(id) === undefined ? undefined : catalogue.byId(Number(id));
  if (!product) throw new NotFound('There is no such product.');
  return product;
}

function quantityOf(value) {
  const quantity = value === undefined ? 1 : Number(value);
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 20)
    throw Object.assign(new Error('A quantity is a whole number from 1 to 20.'), { status: 400 });
  return quantity;
}

function buyerOf({ name, email } = {}) {
  const fit = (text, most) => typeof text === 'string' && text.trim() !== '' && text.length <= most;
  if (!fit(name, 80) || !fit(email, 120) || !/^[^\s@]+@[^\s@]+$/.test(email.trim()))
    throw Object.assign(new Error('An order needs a name and an e-mail address.'), { status: 400 });
  return { name: name.trim(), email: email.trim() };
}

function put(req, id, quantity) {
  const product = productOf(id);
  if (!cart.add(req.session, product.id, quantityOf(quantity), Date.now()))
    throw new orders.Refused('The cart is full.');
}

// ---- pages -------------------------------------------------------------------------------------

const page = (req, res, body, title) =>
  res.send(String(pages.layout({ title, body, cart: cart.count(req.session), faults: faults.active })));

app.get('/', (req, res) => {
  const category = catalogue.categories.find((name) => name === req.query.category);
  const found = catalogue.list({ category, page: whole(req.query.page) });
  page(req, res, pages.front({ ...found, category, categories: catalogue.categories, viewed: viewed(req.session) }), category ?? 'All things');
});
app.get('/search', (req, res) => {
  const found = search(req.query.q);
  page(req, res.status(found.error ? 400 : 200), pages.found(found), 'Search');
});
app.get('/products/:slug', (req, res) => {
  const product = catalogue.bySlug(req.params.slug);
  if (!product) throw new NotFound('There is no such product.');
  const before = viewed(req.session, product.id);
  view(req.session, product);
  page(req, res, pages.product({ product, also: catalogue.alsoBought(product.id), viewed: before }), product.name);
});
app.get('/cart', (req, res) => page(req, res, pages.cart(cart.read(req.session)), 'Cart'));
app.post('/cart', (req, res) => {
  put(req, req.body?.product, req.body?.quantity);
  res.redirect(303, '/cart');
});
app.post('/cart/remove', (req, res) => {
  cart.remove(req.session, whole(req.body?.product) ?? 0);
  res.redirect(303, '/cart');
});
app.get('/checkout', (req, res) => page(req, res, pages.checkout(cart.read(req.session)), 'Checkout'));
app.post('/checkout', (req, res) => {
  const { id } = orders.place(req.session, buyerOf(req.body), Date.now());
  res.redirect(303, `/orders/${id}?new`);
});
app.get('/orders', (req, res) => page(req, res, pages.orders(orders.list(req.session)), 'Your orders'));
app.get('/orders/:id', (req, res) => {
  const order = orders.one(req.session, whole(req.params.id) ?? 0);
  if (!order) throw new NotFound('There is no such order of yours.');
  page(req, res, pages.order(order, 'new' in req.query), `Order ${order.id}`);
});
app.get('/office', (req, res) => page(req, res, pages.office(orders.list(null, 30)), 'Office'));
app.get('/report', (req, res) => page(req, res, pages.report(report()), 'Sales report'));

app.get('/pictures/:name', (req, res) => {
  const product = productOf(/^(\d{1,9})\.svg$/.exec(req.params.name)?.[1]);
  res.set('cache-control', 'public, max-age=3600').type('svg').send(String(pictures.drawn(product)));
});

// ---- the JSON API ------------------------------------------------------------------------------

app.get('/api/products', (req, res) => {
  const category = catalogue.categories.find((name) => name === req.query.category);
  res.json(catalogue.list({ category, page: whole(req.query.page) }));
});
app.get('/api/products/:id', (req, res) => {
  const product = productOf(req.params.id);
  view(req.session, product);
  res.json({ ...product, also: catalogue.alsoBought(product.id) });
});
app.post('/api/products/:id/picture', async (req, res) => {
  res.status(201).json(await pictures.upload(req, productOf(req.params.id)));
});
app.get('/api/search', (req, res) => {
  const found = search(req.query.q);
  res.status(found.error ? 400 : 200).json(found);
});
app.get('/api/cart', (req, res) => res.json(cart.read(req.session)));
app.post('/api/cart', (req, res) => {
  put(req, String(req.body?.product ?? ''), req.body?.quantity);
  res.status(201).json(cart.read(req.session));
});
app.delete('/api/cart/:id', (req, res) => {
  if (!cart.remove(req.session, whole(req.params.id) ?? 0)) throw new NotFound('That is not in the cart.');
  res.json(cart.read(req.session));
});
app.post('/api/checkout', (req, res) => {
  res.status(201).json(orders.place(req.session, buyerOf(req.body), Date.now()));
});
app.get('/api/orders', (req, res) => res.json({ orders: orders.list(req.session) }));
app.get('/api/orders/:id', (req, res) => {
  const order = orders.one(req.session, whole(req.params.id) ?? 0);
  if (!order) throw new NotFound('There is no such order of yours.');
  res.json(order);
});
// What the whole shop sold last; without names and addresses.
app.get('/api/office/orders', (req, res) => {
  res.json({ orders: orders.list(null, 30).map(({ name, ...order }) => order) });
});
app.get('/api/report', (req, res) => res.json(report()));
app.get('/api/events', live.events);
app.get('/healthz', (req, res) => res.json({ ok: true, pid: process.pid, uptime_s: Math.round(process.uptime()) }));

app.use(() => {
  throw new NotFound('There is nothing here.');
});
// eslint-disable-next-line no-unused-vars -- Express knows an error handler by its four arguments
app.use((error, req, res, next) => {
  const status = error instanceof orders.Refused ? 409 : (error.status ?? 500);
  if (status >= 500) console.error(error);
  if (res.headersSent) return res.destroy();
  const text = status >= 500 ? 'Something went wrong.' : error.message;
  res.status(status);
  if (req.path.startsWith('/api/') || !req.accepts('html')) return res.json({ error: text });
  return page(req, res, pages.error(status, text), `Error ${status}`);
});

// ---- start and end -----------------------------------------------------------------------------

const server = http.createServer(app);
const endLive = live.attach(server);
const sweep = setInterval(() => cart.sweep(Date.now()), 600000);
sweep.unref();

server.listen(process.env.PORT || 3000, () => {
  console.log(`shop: http://localhost:${server.address().port}/ (process ${process.pid})`);
  for (const fault of faults.active) console.log(`shop: fault switched on: ${fault}`);
});

for (const signal of ['SIGTERM', 'SIGINT'])
  process.once(signal, () => {
    endLive();
    server.close(() => {
      db.close();
      process.exit(0);
    });
    server.closeIdleConnections();
  });
