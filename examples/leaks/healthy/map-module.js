'use strict';
// The same sessions in an LRU of 40: it is full, and one that comes pushes the oldest out.
const crypto = require('node:crypto');
const express = require('express');

class Session {
  constructor(visitor) {
    this.visitor = visitor;
    this.csrfToken = crypto.randomUUID();
    this.cart = [];
  }
}

const SESSIONS_MAX = 40;
const sessions = new Map();

const app = express();
app.get('/', (req, res) => {
  const session = new Session(crypto.randomUUID());
  sessions.set(session.visitor, session);
  if (sessions.size > SESSIONS_MAX) sessions.delete(sessions.keys().next().value);
  res.json({ visitor: session.visitor });
});
app.listen(process.env.PORT ?? 3000);
