/* fettle for `import`: the same objects as for require() */
import fettle from './index.js';

export const { cache, memoize, rateLimit, RateLimitStore, ipKeyGenerator, share } = fettle;
export default fettle;
