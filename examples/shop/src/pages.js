'use strict';
// The shop's pages.

const { html, euro } = require('./html.js');

const day = (ms) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
const pictureOf = ({ id, picture }) => `/pictures/${picture ?? `${id}.svg`}`;

exports.layout = ({ title, body, cart, faults }) => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · The General Store</title>
<link rel="stylesheet" href="/static/shop.css">
<link rel="icon" href="/pictures/1.svg">
<script src="/static/shop.js" defer></script>
</head>
<body>
<header>
<a class="brand" href="/">The General Store</a>
<form action="/search" role="search"><input name="q" type="search" maxlength="80" placeholder="Search 240 things" aria-label="Search"></form>
<nav><a href="/orders">Orders</a> <a href="/office">Office</a> <a class="cart" href="/cart">Cart${cart > 0 && html` <b>${cart}</b>`}</a></nav>
</header>
${faults.length > 0 && html`<p class="faults">Faults switched on: ${faults.map((fault) => fault.split(':')[0]).join(', ')}</p>`}
<main>${body}</main>
<footer><span id="news" aria-live="polite">Open pages hear of new orders here.</span></footer>
</body>
</html>`;

const card = (product) => html`
<a class="card" href="/products/${product.slug}">
<img src="${pictureOf(product)}" alt="" width="320" height="240" loading="lazy">
<span class="name">${product.name}</span>
<span class="price">${euro(product.price_cents)}</span>
<span class="stock"><span data-stock="${product.id}">${product.stock}</span> left</span>
</a>`;

const cards = (products) => html`<div class="cards">${products.map(card)}</div>`;

const strip = (title, products) => products.length > 0 && html`<section><h2>${title}</h2>${cards(products)}</section>`;

exports.front = ({ products, page, pages, count, category, categories, viewed }) => {
  const to = (name, n = 1) => {
    const query = new URLSearchParams({ ...(name && { category: name }), ...(n > 1 && { page: n }) }).toString();
    return query ? `/?${query}` : '/';
  };
  return html`
<h1>${category ?? 'All things'} <small>${count}</small></h1>
<p class="tabs"><a href="/" class="${!category && 'on'}">Everything</a>
${categories.map((name) => html`<a href="${to(name)}" class="${name === category && 'on'}">${name}</a> `)}</p>
${cards(products)}
<p class="pages">${page > 1 && html`<a href="${to(category, page - 1)}" rel="prev">← Before</a>`}
<span>Page ${page} of ${pages}</span>
${page < pages && html`<a href="${to(category, page + 1)}" rel="next">More →</a>`}</p>
${strip('You looked at', viewed)}`;
};

exports.found = ({ query, products, error }) => html`
<h1>Search: ${query || '…'} <small>${products.length}</small></h1>
${error && html`<p class="error">${error}</p>`}
${products.length > 0 ? cards(products) : html`<p>Nothing found. Try “steel kettle”.</p>`}`;

exports.product = ({ product, also, viewed }) => html`
<article class="product">
<img src="${pictureOf(product)}" alt="${product.name}" width="320" height="240">
<div>
<p class="tabs"><a href="/?category=${product.category}">${product.category}</a></p>
<h1>${product.name}</h1>
<p>${product.description}</p>
<p class="price">${euro(product.price_cents)}</p>
<p class="stock"><span data-stock="${product.id}">${product.stock}</span> left</p>
<form method="post" action="/cart">
<input type="hidden" name="product" value="${product.id}">
<label>How many <input type="number" name="quantity" value="1" min="1" max="20"></label>
<button>Put into the cart</button>
</form>
</div>
</article>
${strip('Often bought with it', also)}
${strip('You looked at', viewed)}`;

const lines = (rows, last) => html`
<table>
<thead><tr><th>Thing</th><th class="n">Each</th><th class="n">Number</th><th class="n">Together</th>${last && html`<th></th>`}</tr></thead>
<tbody>${rows.map((row) => html`
<tr><td><a href="/products/${row.slug}">${row.name}</a></td><td class="n">${euro(row.price_cents)}</td>
<td class="n">${row.quantity}</td><td class="n">${euro(row.price_cents * row.quantity)}</td>${last && html`<td class="n">${last(row)}</td>`}</tr>`)}
</tbody></table>`;

exports.cart = ({ lines: rows, total_cents }) =>
  rows.length === 0
    ? html`<h1>Cart</h1><p>Nothing in it yet. <a href="/">Look around</a>.</p>`
    : html`<h1>Cart</h1>
${lines(rows, (row) => html`<form method="post" action="/cart/remove"><button class="quiet" name="product" value="${row.id}">Take out</button></form>`)}
<p class="total">Total ${euro(total_cents)} <a class="button" href="/checkout">To the checkout</a></p>`;

exports.checkout = ({ lines: rows, total_cents }) =>
  rows.length === 0
    ? html`<h1>Checkout</h1><p>The cart is empty. <a href="/">Look around</a>.</p>`
    : html`<h1>Checkout</h1>${lines(rows)}
<form class="checkout" method="post">
<label>Name <input name="name" required maxlength="80" autocomplete="name"></label>
<label>E-mail <input name="email" type="email" required maxlength="120" autocomplete="email"></label>
<button>Order for ${euro(total_cents)}</button>
</form>`;

exports.orders = (orders) =>
  orders.length === 0
    ? html`<h1>Your orders</h1><p>None yet. <a href="/">Look around</a>.</p>`
    : html`<h1>Your orders</h1>${orders.map((order) => html`
<section><h2><a href="/orders/${order.id}">Order ${order.id}</a> <small>${day(order.created_at)} · ${euro(order.total_cents)}</small></h2>
${lines(order.items)}</section>`)}`;

exports.order = (order, isNew) => html`
${isNew && html`<p class="done">Thank you, ${order.name}. The order is on its way.</p>`}
<h1>Order ${order.id} <small>${day(order.created_at)}</small></h1>
${lines(order.items)}<p class="total">Total ${euro(order.total_cents)}</p>`;

exports.office = (orders) => html`
<h1>Office</h1>
<p><a class="button" href="/report">Sales report</a> <span class="hint">is computed when you ask for it</span></p>
<form id="upload" class="checkout">
<label>Picture for product <input name="product" type="number" min="1" max="240" value="1"></label>
<label>PNG, JPEG or GIF, at most 4 MiB <input name="file" type="file" accept="image/png,image/jpeg,image/gif" required></label>
<button>Upload</button> <output></output>
</form>
<h2>Last orders</h2>
<table><thead><tr><th>Order</th><th>When</th><th>Things</th><th class="n">Total</th></tr></thead>
<tbody id="orders">${orders.map((order) => html`
<tr><td>${order.id}</td><td>${day(order.created_at)}</td>
<td>${order.items.map((item) => `${item.quantity} × ${item.name}`).join(', ')}</td><td class="n">${euro(order.total_cents)}</td></tr>`)}
</tbody></table>`;

exports.report = (report) => {
  const most = Math.max(1, ...report.months.map((row) => row.total_cents));
  return html`
<h1>Sales report <small>${report.orders} orders · ${euro(report.total_cents)} · took ${report.took_ms} ms</small></h1>
<h2>Months</h2>
<table><tbody>${report.months.map((row) => html`
<tr><td>${row.month}</td><td class="bar"><meter min="0" max="${most}" value="${row.total_cents}"></meter></td>
<td class="n">${row.orders}</td><td class="n">${euro(row.total_cents)}</td></tr>`)}</tbody></table>
<div class="columns">
<section><h2>Best customers</h2><table><tbody>${report.customers.map((row) => html`
<tr><td>${row.email}</td><td class="n">${row.orders}</td><td class="n">${euro(row.total_cents)}</td></tr>`)}</tbody></table></section>
<section><h2>Sell together</h2><table><tbody>${report.pairs.map((row) => html`
<tr><td>${row.a} + ${row.b}</td><td class="n">${row.times} ×</td></tr>`)}</tbody></table></section>
<section><h2>Next week</h2><table><tbody>${report.forecasts.map((row) => html`
<tr><td>${row.name}</td><td class="n">${row.next_week}</td></tr>`)}</tbody></table></section>
</div>`;
};

exports.error = (status, text) => html`<h1>${status}</h1><p>${text}</p><p><a href="/">Back to the shop</a></p>`;
