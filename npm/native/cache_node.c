/* npm/native/cache_node.c -- a store as cache.js sees it
 *
 * What a function answers beside its value stands in `out`, eight words that JavaScript reads: an
 * object for each answer would cost more than the look-up.
 */
#include "cache_node.h"

#include "base/clock.h"
#include "memory.h"
#include "shared/kvstore.h"
#include "value.h"

#include <stdatomic.h>
#include <sys/mman.h>

enum { KEY_SEED = 1 }; /* before the key's characters: of how many bits they are */

enum status { MISSING, FOUND, STALE, BAD_KEY, LONG_KEY, NO_MEMORY };

/* As cache.js reads it. */
struct out {
    u32 status, kind, version_word, version, len, spare;
    double left_ms; /* until it is stale; infinite: never */
};

struct cache {
    struct kvstore *store;
    struct out *out;
    struct owner owner;
    struct scratch wide, key, value; /* value: what was read last, too */
    struct str read;                 /* of that: not handed over yet */
    napi_ref out_ref;
    void *versions; /* this context's own mapping; NULL: none */
    size_t versions_bytes;
};

/* The arguments; `this` cache is the functions'. */
static struct cache *args_get(napi_env env, napi_callback_info info, napi_value *args, size_t count)
{
    void *data = NULL;

    napi_get_cb_info(env, info, &count, args, NULL, &data);
    return data;
}

static napi_value number(napi_env env, double n)
{
    napi_value v = NULL;

    napi_create_double(env, n, &v);
    return v;
}

/* The key's bytes; false: c->out->status says why not. */
static bool key_read(napi_env env, struct cache *c, napi_value arg, struct str *key)
{
    bool is_wide;

    switch (value_read(env, arg, &c->wide, &c->key, KEY_SEED, key, &is_wide)) {
    case VALUE_NO_STRING:
        c->out->status = BAD_KEY;
        return false;
    case VALUE_NO_MEMORY:
        c->out->status = NO_MEMORY;
        return false;
    case VALUE_READ:
        break;
    }
    c->key.ptr[0] = is_wide ? 'w' : 'n';
    *key = str_make(c->key.ptr, key->len + KEY_SEED);
    if (key->len <= KVSTORE_KEY_MAX)
        return true;
    c->out->status = LONG_KEY;
    return false;
}

static void place_tell(struct cache *c, const struct kvstore_place *place)
{
    c->out->version_word = place->version_word;
    c->out->version = place->version;
}

/* Whether it is there, and for how long yet. */
static enum status look(struct cache *c, enum kvstore_found found, u64 expires_ns)
{
    u64 now_ns;

    if (found == KVSTORE_MISSING)
        return MISSING;
    c->out->left_ms = __builtin_inf();
    if (!expires_ns)
        return FOUND;
    now_ns = clock_now_ns();
    c->out->left_ms = ((double)expires_ns - (double)now_ns) / (double)NS_PER_MS;
    return now_ns < expires_ns ? FOUND : STALE;
}

/* get(key): the text; undefined if there is none, or what is there is bytes (take()) */
static napi_value get_call(napi_env env, napi_callback_info info)
{
    napi_value arg = NULL;
    struct cache *c = args_get(env, info, &arg, 1);
    struct kvstore_got got;
    enum kvstore_found found;
    struct str key;
    u64 hash;

    if (!key_read(env, c, arg, &key))
        return NULL;
    hash = kvstore_hash(c->store, key);
    for (;;) {
        got = (struct kvstore_got){ .buf = c->value.ptr, .room = c->value.room };
        found = kvstore_get(c->store, key, hash, 0, &got);
        if (found == KVSTORE_MISSING || got.len <= got.room)
            break;
        if (!scratch_need(&c->value, got.len)) {
            c->out->status = NO_MEMORY;
            return NULL;
        }
    }
    c->out->status = look(c, found, got.expires_ns);
    kvstore_count(c->store, c->out->status == FOUND);
    place_tell(c, &got.place);
    if (found == KVSTORE_MISSING)
        return NULL;
    c->out->kind = got.kind & ~(u32)VALUE_WIDE;
    c->out->len = (u32)got.len;
    c->read = str_make(c->value.ptr, got.len);
    if (c->out->kind > VALUE_JSON)
        return NULL;
    return value_string(env, c->read, got.kind & VALUE_WIDE);
}

/* take(bytes): copies what get() found into them */
static napi_value take_call(napi_env env, napi_callback_info info)
{
    napi_value arg = NULL;
    struct cache *c = args_get(env, info, &arg, 1);
    void *to = NULL;
    size_t len = 0;

    if (napi_get_buffer_info(env, arg, &to, &len) == napi_ok && len)
        memcpy(to, c->read.ptr, min(len, c->read.len));
    return NULL;
}

/* has(key): out.status says */
static napi_value has_call(napi_env env, napi_callback_info info)
{
    napi_value arg = NULL;
    struct cache *c = args_get(env, info, &arg, 1);
    enum kvstore_found found;
    struct str key;

    if (!key_read(env, c, arg, &key))
        return NULL;
    found = kvstore_has(c->store, key, kvstore_hash(c->store, key), clock_now_ns());
    c->out->status = found == KVSTORE_HIT ? FOUND : found == KVSTORE_EXPIRED ? STALE : MISSING;
    return NULL;
}

static u64 expiry(napi_env env, napi_value ttl_ms, u64 *now_ns)
{
    double ms = 0;

    *now_ns = clock_now_ns();
    if (napi_get_value_double(env, ttl_ms, &ms) != napi_ok || !(ms > 0))
        return 0;
    return *now_ns + (u64)(min(ms, 1e12) * (double)NS_PER_MS);
}

static napi_value store(napi_env env, struct cache *c, napi_value *args, struct str value, u8 kind)
{
    struct kvstore_value v = { .bytes = value, .kind = kind };
    struct kvstore_place place = { 0 };
    enum kvstore_set r;
    struct str key;
    u64 now_ns;

    if (!key_read(env, c, args[0], &key))
        return number(env, -1);
    v.expires_ns = expiry(env, args[3], &now_ns);
    r = kvstore_set(c->store, key, kvstore_hash(c->store, key), &v, now_ns, &place);
    place_tell(c, &place);
    return number(env, r);
}

/* setText(key, text, kind, ttlMs), setBytes(key, bytes, kind, ttlMs): enum kvstore_set; -1:
 * out.status says why not */
static napi_value set_text_call(napi_env env, napi_callback_info info)
{
    napi_value args[4] = { 0 };
    struct cache *c = args_get(env, info, args, 4);
    struct str value;
    bool is_wide;
    u32 kind = 0;

    if (value_read(env, args[1], &c->wide, &c->value, 0, &value, &is_wide) != VALUE_READ) {
        c->out->status = NO_MEMORY;
        return number(env, -1);
    }
    napi_get_value_uint32(env, args[2], &kind);
    return store(env, c, args, value, (u8)(kind | (is_wide ? VALUE_WIDE : 0)));
}

static napi_value set_bytes_call(napi_env env, napi_callback_info info)
{
    napi_value args[4] = { 0 };
    struct cache *c = args_get(env, info, args, 4);
    void *bytes = NULL;
    size_t len = 0;
    u32 kind = 0;

    napi_get_buffer_info(env, args[1], &bytes, &len);
    napi_get_value_uint32(env, args[2], &kind);
    return store(env, c, args, str_make(bytes, len), (u8)kind);
}

/* delete(key): enum kvstore_removed; -1: out.status says why not */
static napi_value delete_call(napi_env env, napi_callback_info info)
{
    napi_value arg = NULL;
    struct cache *c = args_get(env, info, &arg, 1);
    struct str key;

    if (!key_read(env, c, arg, &key))
        return number(env, -1);
    return number(env, kvstore_remove(c->store, key, kvstore_hash(c->store, key), clock_now_ns()));
}

/* clear(): whether all of it is empty */
static napi_value clear_call(napi_env env, napi_callback_info info)
{
    struct cache *c = args_get(env, info, NULL, 0);
    napi_value v = NULL;

    napi_get_boolean(env, kvstore_clear(c->store), &v);
    return v;
}

/* touch(key, hits): so many were answered by the first tier */
static napi_value touch_call(napi_env env, napi_callback_info info)
{
    napi_value args[2] = { 0 };
    struct cache *c = args_get(env, info, args, 2);
    struct str key;
    u32 hits = 0;

    if (!key_read(env, c, args[0], &key))
        return NULL;
    napi_get_value_uint32(env, args[1], &hits);
    kvstore_touch(c->store, key, kvstore_hash(c->store, key), hits);
    return NULL;
}

/* add(key, isMore, lastsMs): the number; out.left_ms says until when. -1: out.status says why not;
 * -2: nothing was counted */
static napi_value add_call(napi_env env, napi_callback_info info)
{
    napi_value args[3] = { 0 };
    struct cache *c = args_get(env, info, args, 3);
    struct kvstore_number n = { 0 };
    u64 now_ns = clock_now_ns();
    bool is_more = true;
    struct str key;
    double ms = 0;

    if (!key_read(env, c, args[0], &key))
        return number(env, -1);
    napi_get_value_bool(env, args[1], &is_more);
    napi_get_value_double(env, args[2], &ms);
    if (kvstore_add(c->store, key, kvstore_hash(c->store, key), is_more,
                    (u64)(ms * (double)NS_PER_MS), now_ns, &n) != KVSTORE_ADDED)
        return number(env, -2);
    c->out->left_ms = (double)(n.expires_ns - now_ns) / (double)NS_PER_MS;
    return number(env, (double)n.n);
}

/* number(key): what add() has made of it, without counting; undefined: nothing */
static napi_value number_call(napi_env env, napi_callback_info info)
{
    napi_value arg = NULL;
    struct cache *c = args_get(env, info, &arg, 1);
    struct kvstore_got got = { .buf = c->value.ptr, .room = c->value.room };
    enum kvstore_found found;
    struct str key;
    u64 n;

    if (!key_read(env, c, arg, &key))
        return NULL;
    found = kvstore_get(c->store, key, kvstore_hash(c->store, key), 0, &got);
    c->out->status = look(c, found, got.expires_ns);
    if (c->out->status != FOUND || got.len != sizeof(n))
        return NULL;
    memcpy(&n, c->value.ptr, sizeof(n));
    return number(env, (double)n);
}

/* claim(key): enum kvstore_claim; unclaim(key) */
static napi_value claim_call(napi_env env, napi_callback_info info)
{
    napi_value arg = NULL;
    struct cache *c = args_get(env, info, &arg, 1);
    struct str key;

    if (!key_read(env, c, arg, &key))
        return number(env, -1);
    return number(env, kvstore_claim(c->store, kvstore_hash(c->store, key), &c->owner));
}

static napi_value unclaim_call(napi_env env, napi_callback_info info)
{
    napi_value arg = NULL;
    struct cache *c = args_get(env, info, &arg, 1);
    struct str key;

    if (key_read(env, c, arg, &key))
        kvstore_unclaim(c->store, kvstore_hash(c->store, key), &c->owner);
    return NULL;
}

/* stats(): numbers in the order of STATS in cache.js */
static napi_value stats_call(napi_env env, napi_callback_info info)
{
    struct cache *c = args_get(env, info, NULL, 0);
    struct kvstore_use u;
    napi_value all = NULL;

    kvstore_use(c->store, &u);
    {
        u64 n[] = { u.entries, u.live_bytes, u.bytes,   u.largest,   u.hits,    u.misses,
                    u.sets,    u.evicted,    u.removed, u.too_large, u.repaired };

        napi_create_array_with_length(env, ARRAY_LEN(n), &all);
        for (u32 i = 0; i < ARRAY_LEN(n); i++)
            napi_set_element(env, all, i, number(env, (double)n[i]));
    }
    return all;
}

/* The context ends, or could not be made. */
static void cache_done(void *data)
{
    struct cache *c = data;

    kvstore_unclaim_all(c->store, &c->owner);
    scratch_free(&c->wide);
    scratch_free(&c->key);
    scratch_free(&c->value);
    free(c);
}

static void versions_unmap(napi_env env, void *data, void *bytes)
{
    (void)env;
    munmap(data, (size_t)bytes);
}

/* The version words, at an address of this context's own: V8 may take one for each buffer. */
static napi_value versions(napi_env env, const struct opened_store *o)
{
    struct memfile *file;
    u64 bytes, at = kvstore_versions_at(o->store, &bytes);
    napi_value buffer = NULL, words = NULL;
    void *memory;

    if (memory_get(&file) < 0 || !(memory = memfile_map_again(file, o->region.at + at, bytes)))
        return NULL;
    if (napi_create_external_arraybuffer(env, memory, bytes, versions_unmap,
                                         (void *)(uintptr_t)bytes, &buffer) != napi_ok) {
        munmap(memory, bytes);
        return NULL;
    }
    napi_create_typedarray(env, napi_uint32_array, bytes / 4, buffer, 0, &words);
    return words;
}

struct call {
    const char *name;
    napi_callback call;
};

static napi_value cache_object(napi_env env, struct cache *c, const struct opened_store *o)
{
    static const struct call calls[] = {
        { "get", get_call },          { "take", take_call },          { "has", has_call },
        { "setText", set_text_call }, { "setBytes", set_bytes_call }, { "delete", delete_call },
        { "clear", clear_call },      { "touch", touch_call },        { "claim", claim_call },
        { "unclaim", unclaim_call },  { "stats", stats_call },        { "add", add_call },
        { "number", number_call },
    };
    napi_value object = NULL, buffer = NULL, fn = NULL, words = versions(env, o);
    void *out = NULL;

    if (napi_create_object(env, &object) != napi_ok ||
        napi_create_arraybuffer(env, sizeof(struct out), &out, &buffer) != napi_ok ||
        napi_create_reference(env, buffer, 1, &c->out_ref) != napi_ok)
        return NULL;
    c->out = out;
    napi_set_named_property(env, object, "out", buffer);
    if (words)
        napi_set_named_property(env, object, "versions", words);
    for (u32 i = 0; i < ARRAY_LEN(calls); i++) {
        napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, c, &fn);
        napi_set_named_property(env, object, calls[i].name, fn);
    }
    return object;
}

napi_value cache_node_store(napi_env env, napi_callback_info info)
{
    static _Atomic u32 contexts;
    napi_value args[3] = { 0 }, object;
    char name[MEMFILE_NAME_MAX + 2] = "";
    double bytes = 0, entries = 0;
    struct opened_store *o;
    struct cache *c;
    size_t n = 0;
    int r;

    args_get(env, info, args, 3);
    napi_get_value_string_utf8(env, args[0], name, sizeof(name), &n);
    napi_get_value_double(env, args[1], &bytes);
    napi_get_value_double(env, args[2], &entries);
    r = memory_store(&o, str_make(name, n), (u64)bytes, (u64)entries);
    if (r < 0)
        return number(env, r);
    c = calloc(1, sizeof(*c));
    if (!c || !scratch_need(&c->value, 4096))
        return number(env, -ENOMEM);
    c->store = o->store;
    c->owner = owner_self(1 + atomic_fetch_add(&contexts, 1));
    object = cache_object(env, c, o);
    napi_add_env_cleanup_hook(env, cache_done, c);
    return object ? object : number(env, -ENOMEM);
}
