'use strict';
// "Recently viewed": the last products that a session looked at, in this process only.

const faults = require('./faults.js');

const SESSIONS_MAX = 2000;
const VIEWED_MAX = 6;

/** session → products, the session that was quiet longest first. */
const recent = new Map();

exports.view = function view(session, product) {
  if (faults.leak) {
    // Nobody ever takes anything out, and the whole product is copied each time.
    const list = recent.get(session) ?? [];
    list.unshift({ ...product, viewedAt: new Date(), description: `${product.description} ` });
    recent.set(session, list);
    return;
  }
  const list = (recent.get(session) ?? []).filter(({ id }) => id !== product.id);
  const { id, slug, name, category, price_cents, stock } = product;
  list.unshift({ id, slug, name, category, price_cents, stock });
  recent.delete(session);
  recent.set(session, list.slice(0, VIEWED_MAX));
  if (recent.size > SESSIONS_MAX) recent.delete(recent.keys().next().value);
};

exports.viewed = (session, exceptId) =>
  (recent.get(session) ?? []).filter(({ id }) => id !== exceptId).slice(0, VIEWED_MAX);
