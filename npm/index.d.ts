/** What the workers of a service share. See README.md. */

export interface CacheOptions<V = unknown> {
  /** Who gives the same name, `max` and `maxBytes` has the same cache. Default: 'default'. */
  name?: string;
  /** At most so many entries. */
  max?: number;
  /** At most so much memory, all that belongs to it included; taken as it is used. Default: 64 MB, with `max` 4 KB an entry. */
  maxBytes?: number;
  /** Milliseconds after which a value is stale. Default: 0, never. */
  ttl?: number;
  /** get() and fetch() give a stale value while it is still there. */
  allowStale?: boolean;
  /** Makes what is not there, for fetch(). */
  fetchMethod?: (key: string, options: { context: unknown }) => V | undefined | Promise<V | undefined>;
  /** At most so many values stay in this worker's heap as well; 0: each get() parses anew, and gives a copy of its own. Default: 10000. */
  heapMax?: number;
}

export interface SetOptions {
  /** Milliseconds; 0: never stale. Default: the cache's. */
  ttl?: number;
}

export interface FetchOptions {
  /** Gives up waiting. The call goes on for the others. */
  signal?: AbortSignal;
  /** Calls fetchMethod even if there is a value. */
  forceRefresh?: boolean;
  /** Is given to fetchMethod. */
  context?: unknown;
}

/** Of all workers together. */
export interface CacheStats {
  size: number;
  /** Of keys and values, and what they are kept with. */
  bytes: number;
  maxBytes: number;
  /** The largest entry that is stored. */
  maxEntryBytes: number;
  hits: number;
  misses: number;
  sets: number;
  evictions: number;
  deletes: number;
  /** Values that were not stored. */
  tooLarge: number;
  /** How often a worker had died in the middle of a change. */
  repaired: number;
}

export interface Cache<V = unknown> {
  readonly name: string;
  /** The value; undefined: there is none, or it is stale. */
  get(key: string | number): V | undefined;
  /** Whether it is stored: what is too large for the cache is not. `undefined` deletes. */
  set(key: string | number, value: V, options?: SetOptions): boolean;
  has(key: string | number): boolean;
  /** Whether it was there. */
  delete(key: string | number): boolean;
  clear(): void;
  /** The value, or what fetchMethod makes: one call for all workers. */
  fetch(key: string | number, options?: FetchOptions): Promise<V | undefined>;
  /** Stale ones that were not removed yet are among them. */
  readonly size: number;
  stats(): CacheStats;
}

/** The cache of this name, for all workers. */
export function cache<V = unknown>(options?: CacheOptions<V>): Cache<V>;

export interface MemoizeOptions<A extends unknown[]> {
  /** By it workers share. Default: the function's. */
  name?: string;
  /** Which calls have the same result. Default: those whose arguments are the same JSON. */
  key?: (...args: A) => string | number;
  ttl?: number;
  max?: number;
  maxBytes?: number;
  allowStale?: boolean;
  heapMax?: number;
}

/** The function, called once for each key by all workers together. */
export function memoize<A extends unknown[], R>(
  fn: (...args: A) => R,
  options?: MemoizeOptions<A>,
): ((...args: A) => Promise<Awaited<R>>) & { readonly cache: Cache<Awaited<R>> };

/** A client's count; as `req.rateLimit`. */
export interface RateLimitInfo {
  limit: number;
  used: number;
  remaining: number;
  resetTime: Date;
  key: string;
}
export interface RateLimitCount {
  totalHits: number;
  resetTime: Date | undefined;
}
type Awaitable<T> = T | Promise<T>;

/** A Store of express-rate-limit's, of any kind. */
export interface RateLimitStoreLike {
  init?(options: any): Awaitable<void>;
  get?(key: string): Awaitable<RateLimitCount | undefined>;
  increment(key: string): Awaitable<RateLimitCount>;
  decrement(key: string): Awaitable<void>;
  resetKey(key: string): Awaitable<void>;
  resetAll?(): Awaitable<void>;
}

/** express-rate-limit's options. */
export interface RateLimitOptions<Req = any, Res = any> {
  /** By it workers share. Default: made of windowMs and limit, and of how many such limits there were before. */
  name?: string;
  windowMs?: number;
  limit?: number | ((req: Req, res: Res) => Awaitable<number>);
  /** The same as `limit`. */
  max?: number | ((req: Req, res: Res) => Awaitable<number>);
  message?: unknown;
  statusCode?: number;
  legacyHeaders?: boolean;
  standardHeaders?: boolean | 'draft-6' | 'draft-7' | 'draft-8';
  identifier?: string | ((req: Req, res: Res) => string);
  requestPropertyName?: string;
  skipFailedRequests?: boolean;
  skipSuccessfulRequests?: boolean;
  keyGenerator?: (req: Req, res: Res) => Awaitable<string>;
  ipv6Subnet?: number | false | ((req: Req, res: Res) => number | false);
  handler?: (req: Req, res: Res, next: (error?: unknown) => void, options: any) => void;
  skip?: (req: Req, res: Res) => Awaitable<boolean>;
  requestWasSuccessful?: (req: Req, res: Res) => Awaitable<boolean>;
  store?: RateLimitStoreLike;
  /** A store that fails lets requests through. */
  passOnStoreError?: boolean;
  /** Of express-rate-limit; taken and not used. */
  validate?: unknown;
  logger?: unknown;
  /** So many clients are remembered. Default: 100000. */
  maxClients?: number;
}

/** Middleware that lets so many requests of a client through, counted once for all workers. */
export function rateLimit<Req = any, Res = any>(options?: RateLimitOptions<Req, Res>): ((req: Req, res: Res, next: (error?: any) => void) => any) & {
  resetKey(key: string): Awaitable<void>;
  getKey(key: string): Awaitable<RateLimitCount | undefined> | undefined;
};

/** For express-rate-limit's option `store`: counts once for all workers. */
export class RateLimitStore implements RateLimitStoreLike {
  constructor(options?: { name?: string; prefix?: string; maxClients?: number; windowMs?: number });
  readonly localKeys: false;
  prefix: string;
  windowMs: number;
  init(options: { windowMs?: number }): void;
  get(key: string): RateLimitCount | undefined;
  increment(key: string): { totalHits: number; resetTime: Date };
  decrement(key: string): void;
  resetKey(key: string): void;
  resetAll(): void;
  shutdown(): void;
}

/** An IPv4 address as it is; of an IPv6 one its network of so many bits (56). */
export function ipKeyGenerator(ip: string, ipv6Subnet?: number | false): string;

/** Processes of one user that say the same name share memory (node:cluster, pm2). Before anything else; fettle's workers need not. */
export function share(name: string): void;
