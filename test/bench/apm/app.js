'use strict';
// Express and one route: what each agent watches.
const express = require('express');

const app = express();
app.get('/users/:id', (req, res) => res.json({ id: req.params.id, name: 'somebody' }));
app.listen(process.env.PORT, '127.0.0.1');
