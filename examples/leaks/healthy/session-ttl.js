'use strict';
// A session store with a time to live: whoever has not been seen for a while is forgotten.
const crypto = require('node:crypto');
const express = require('express');

const TTL_MS = 100;

class SessionStore {
  constructor() {
    this.sessions = new Map();
    setInterval(() => this.sweep(Date.now()), 20).unref();
  }

  create() {
    const session = { id: crypto.randomUUID(), cart: [], seenAt: Date.now() };
    this.sessions.set(session.id, session);
    return session;
  }

  sweep(now) {
    for (const [id, session] of this.sessions) if (now - session.seenAt > TTL_MS) this.sessions.delete(id);
  }
}

const store = new SessionStore();
const app = express();
app.get('/', (req, res) => res.json(store.create().id));
app.listen(process.env.PORT ?? 3000);
