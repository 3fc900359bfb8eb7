'use strict';
/* addon/next.js -- the routes of Next.js, as Next names them: /users/[id], /blog/[...slug]
 *
 * A part of agent.node (addon/part.c), loaded when the app loads Next's server. Next knows the page of a request
 * when it renders it; what is answered before that is told apart as well: its static files, and what its middleware
 * answers by itself. Where Next has none of these methods any more, its routes stay unnamed.
 */

const META = Symbol.for('NextInternalRequestMeta');
const STATIC = '/_next/static/';

/* tell(request, route): of http.IncomingMessage; null: of none. */
module.exports = function next(tell) {
  /* Next wraps Node's requests, once or twice. */
  function routeTell(wrapped, route) {
    const request = wrapped?.originalRequest ?? wrapped?._req ?? wrapped;
    if (typeof request === 'object' && request !== null) tell(request, route);
  }

  function pageTell(request, match) {
    const { definition } = match ?? {};
    const route = definition?.pathname ?? definition?.page;
    if (typeof route === 'string') routeTell(request, route);
  }

  /* Calls look(this, args) before the method, and then(args, result) after what it promises. */
  function wrap(proto, name, look, then = null) {
    const method = proto?.[name];
    if (typeof method !== 'function' || !Object.hasOwn(proto, name)) return;
    const { [name]: wrapped } = {
      [name](...args) {
        look?.(...args);
        const result = method.apply(this, args);
        if (then !== null && typeof result?.then === 'function') return result.then((value) => (then(value, ...args), value));
        return result;
      },
    };
    Object.defineProperty(proto, name, { value: wrapped, writable: true, configurable: true, enumerable: false });
  }

  /* Middleware has answered by itself: nothing says that it goes on. */
  function middlewareTell(result, { request } = {}) {
    const headers = result?.response?.headers;
    if (result?.finished !== true && (typeof headers?.has !== 'function' || headers.has('x-middleware-next') || headers.has('x-middleware-rewrite'))) return;
    routeTell(request, '(middleware)');
  }

  const files = {
    'next/dist/server/base-server.js'({ default: Server }) {
      wrap(Server?.prototype, 'renderPageComponent', ({ req } = {}) => pageTell(req, req?.[META]?.match));
    },
    'next/dist/server/next-server.js'({ default: Server }) {
      wrap(Server?.prototype, 'runApi', (req, res, query, match) => pageTell(req, match));
      wrap(Server?.prototype, 'runEdgeFunction', ({ req, match } = {}) => pageTell(req, match));
      wrap(Server?.prototype, 'runMiddleware', null, middlewareTell);
    },
    'next/dist/server/serve-static.js'(exports, module) {
      const { serveStatic } = exports;
      if (typeof serveStatic !== 'function') return;
      module.exports = { ...exports, __esModule: true,
        serveStatic(req, ...rest) {
          if (typeof req?.url === 'string' && req.url.includes(STATIC)) routeTell(req, `${STATIC}*`);
          return serveStatic(req, ...rest);
        } };
    },
  };

  return (name, module) => {
    if (Object.hasOwn(files, name)) files[name](module.exports, module);
  };
};
