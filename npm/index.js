'use strict';
/* fettle -- what the workers of a service share (README.md) */

const { cache, memoize } = require('./lib/cache.js');
const { rateLimit, RateLimitStore, ipKeyGenerator } = require('./lib/ratelimit.js');
const { share } = require('./lib/native.js');

module.exports = { cache, memoize, rateLimit, RateLimitStore, ipKeyGenerator, share };
