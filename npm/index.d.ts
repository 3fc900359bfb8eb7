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
  /** At most so many values stay in this worker's heap as well; 0: each get() parses anew, and gives a copy of its own. Default: 1000. */
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

/** Processes of one user that say the same name share memory (node:cluster, pm2). Before anything else; fettle's workers need not. */
export function share(name: string): void;
