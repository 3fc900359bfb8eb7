'use strict';
// A session for each visitor, and nothing that ever ends one.
const crypto = require('node:crypto');
const express = require('express');

class Session {
  constructor(visitor) {
    this.visitor = visitor;
    this.csrfToken = crypto.randomUUID();
    this.cart = [];
  }
}

const sessions = new Map();

const app = express();
app.get('/', (req, res) => {
  const session = new Session(crypto.randomUUID());
  sessions.set(session.visitor, session);
  res.json({ visitor: session.visitor });
});
app.listen(process.env.PORT ?? 3000);
