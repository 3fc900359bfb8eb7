/* test/unit/cache_store_test.c -- the slab: what is found, what is pinned, who stays, many threads
 */
#include "cache/store.h"

#include "base/random.h"

#include "tap.h"

#include <math.h>
#include <pthread.h>

static const struct http_head no_fields;

static struct store *store_make(u64 bytes, u32 shards)
{
    const struct store_conf conf = { .bytes = bytes,
                                     .shards = shards,
                                     .keys = { { 1, 2 }, { 3, 4 } } };
    struct store *s = NULL;

    CHECK_EQ(store_new(&s, &conf), 0);
    return s;
}

static struct digest key_of(u64 n)
{
    struct random r = { n }, q = { n ^ 0x5555 };

    return (struct digest){ random_u64(&r), random_u64(&q) };
}

static struct store_ask ask_of(u64 n)
{
    return (struct store_ask){ key_of(n), "", &no_fields };
}

/* A body that tells which one it is: the same number again and again. */
static void body_make(char *body, u32 bytes, u32 number)
{
    for (u32 i = 0; i < bytes; i++)
        body[i] = (char)(number >> (i % 4 * 8));
}

static bool put_tagged(struct store *s, u64 n, u32 bytes, struct str name, struct str tags)
{
    static _Thread_local char body[1 << 16];
    struct store_ask ask = ask_of(n);
    const struct stored *e;
    struct filling f = { 0 };
    struct store_beginning b = { .key = key_of(n),
                                 .ask = &ask,
                                 .name = name,
                                 .tags = tags,
                                 .head = STR("HTTP/1.1 200 OK\r\n"),
                                 .line_bytes = 17,
                                 .status = 200 };

    if (store_find(s, &ask, 0, &e, &b.epoch) == STORE_HIT)
        store_unpin(s, e);
    body_make(body, bytes, (u32)n);
    if (store_begin(s, &f, &b) < 0)
        return false;
    for (u32 at = 0; at < bytes; at += 1000)
        if (!store_add(s, &f, str_make(body + at, min(bytes - at, 1000u))))
            return false;
    return store_commit(s, &f, NULL);
}

static bool put(struct store *s, u64 n, u32 bytes)
{
    return put_tagged(s, n, bytes, STR("/a"), STR(""));
}

static const struct stored *get(struct store *s, u64 n)
{
    struct store_ask ask = ask_of(n);
    const struct stored *e = NULL;
    u32 epoch;

    return store_find(s, &ask, 0, &e, &epoch) == STORE_HIT ? e : NULL;
}

static bool is_there(struct store *s, u64 n)
{
    const struct stored *e = get(s, n);

    if (e)
        store_unpin(s, e);
    return e != NULL;
}

static bool is_whole(const struct store *s, const struct stored *e, u64 n, u32 bytes)
{
    static _Thread_local char want[1 << 16], got[1 << 16];

    if (e->body.len != bytes)
        return false;
    body_make(want, bytes, (u32)n);
    store_read(s, e, e->body, got);
    return memcmp(want, got, bytes) == 0;
}

static void what_is_stored_is_found_as_a_whole(void)
{
    struct store *s = store_make(1 << 20, 1);

    for (u32 bytes = 0; bytes < 40000; bytes = bytes * 3 + 1) {
        const struct stored *e;

        CHECK(!is_there(s, bytes));
        CHECK(put(s, bytes, bytes));
        e = get(s, bytes);
        CHECK(e && is_whole(s, e, bytes, bytes));
        if (e)
            store_unpin(s, e);
    }
    store_free(s);
}

static void it_is_seen_only_when_it_is_complete(void)
{
    struct store *s = store_make(1 << 20, 1);
    struct store_ask ask = ask_of(1);
    struct store_beginning b = { .key = key_of(1), .ask = &ask, .head = STR("x"), .status = 200 };
    struct filling f = { 0 };
    struct store_use use;

    CHECK_EQ(store_begin(s, &f, &b), 0);
    CHECK(store_add(s, &f, STR("half")));
    CHECK(!is_there(s, 1));
    store_abort(s, &f);
    CHECK(!is_there(s, 1));
    store_use(s, &use);
    CHECK_EQ(use.bytes, 0);
    store_free(s);
}

static void what_is_removed_while_it_is_sent_stays_until_it_is_let_go(void)
{
    struct store *s = store_make(1 << 20, 1);
    const struct stored *e;
    struct store_use use;

    CHECK(put(s, 1, 5000));
    e = get(s, 1);
    CHECK_EQ(store_invalidate(s, key_of(1)), 1);
    CHECK(!is_there(s, 1));
    for (u64 n = 100; n < 2000; n++)
        if (!put(s, n, 1000))
            break;
    CHECK(is_whole(s, e, 1, 5000));
    store_unpin(s, e);
    store_purge(s, &(struct store_purge){ .app = UINT32_MAX });
    store_use(s, &use);
    CHECK_EQ(use.bytes, 0);
    CHECK_EQ(use.entries, 0);
    store_free(s);
}

static void what_was_asked_for_before_a_removal_is_not_stored_after_it(void)
{
    struct store *s = store_make(1 << 20, 1);
    struct store_ask ask = ask_of(1);
    struct store_beginning b = { .key = key_of(1), .ask = &ask, .head = STR("x"), .status = 200 };
    struct filling f = { 0 };
    const struct stored *e;

    CHECK_EQ(store_find(s, &ask, 0, &e, &b.epoch), STORE_NOTHING);
    CHECK_EQ(store_begin(s, &f, &b), 0);
    store_invalidate(s, key_of(1));
    CHECK(!store_commit(s, &f, NULL));
    CHECK(!is_there(s, 1));
    store_free(s);
}

static void memory_is_bounded_whatever_comes(void)
{
    struct store *s = store_make(1 << 20, 1);
    struct random r = { 7 };
    struct store_use use;

    for (u32 i = 0; i < 20000; i++)
        if (!put(s, random_u64(&r) % 5000, (u32)(random_u64(&r) % 3000)))
            continue;
    store_use(s, &use);
    CHECK(use.bytes <= 1 << 20);
    CHECK(use.bytes > (1 << 20) * 3 / 4);
    CHECK_EQ(use.bytes_max, 1 << 20);
    CHECK(!put(s, 99999, 60000) || is_there(s, 99999));
    store_free(s);
}

static void a_marker_says_that_waiting_is_of_no_use_for_a_while(void)
{
    struct store *s = store_make(1 << 20, 1);
    struct store_ask ask = ask_of(1);
    const struct stored *e;
    u32 epoch;

    store_mark(s, key_of(1), 1000);
    CHECK_EQ(store_find(s, &ask, 999, &e, &epoch), STORE_MARKED);
    CHECK_EQ(store_find(s, &ask, 1000, &e, &epoch), STORE_NOTHING);
    CHECK(put(s, 1, 10));
    CHECK(is_there(s, 1));
    store_mark(s, key_of(1), 5000);
    CHECK(is_there(s, 1));
    store_free(s);
}

static void a_purge_goes_by_path_tag_and_app(void)
{
    struct store *s = store_make(1 << 20, 1);

    CHECK(put_tagged(s, 1, 10, STR("/a?x=1"), STR("red blue")));
    CHECK(put_tagged(s, 2, 10, STR("/a/b"), STR("blue")));
    CHECK(put_tagged(s, 3, 10, STR("/c"), STR("bluegreen")));
    CHECK_EQ(store_purge(s, &(struct store_purge){ .app = 1 }), 0);
    CHECK_EQ(store_purge(s, &(struct store_purge){ .app = 0, .tag = STR("green") }), 0);
    CHECK_EQ(store_purge(s, &(struct store_purge){ .app = 0, .tag = STR("red") }), 1);
    CHECK_EQ(store_purge(s, &(struct store_purge){ .app = 0, .path = STR("/a") }), 0);
    CHECK(put_tagged(s, 1, 10, STR("/a?x=1"), STR("red blue")));
    CHECK_EQ(store_purge(s, &(struct store_purge){ .app = 0, .path = STR("/a") }), 1);
    CHECK_EQ(store_purge(s, &(struct store_purge){ .app = 0, .path = STR("/a*") }), 1);
    CHECK_EQ(store_purge(s, &(struct store_purge){ .app = UINT32_MAX }), 1);
    store_free(s);
}

/* ---- who stays ---- */

enum { LRU_KEYS = 1 << 17 };

/* A cache of so many bytes that forgets what was not asked for longest. */
struct lru {
    u64 used, bytes, stamp;
    u64 at[LRU_KEYS]; /* 0: it is not there */
    u32 queue_key[1 << 21];
    u64 queue_at[1 << 21];
    u64 first, last;
};

static bool lru_get(struct lru *l, u32 n, u32 bytes)
{
    bool hit = l->at[n] != 0;

    l->at[n] = ++l->stamp;
    l->queue_key[l->last % ARRAY_LEN(l->queue_key)] = n;
    l->queue_at[l->last++ % ARRAY_LEN(l->queue_key)] = l->stamp;
    if (hit)
        return true;
    l->used += bytes;
    while (l->used > l->bytes) {
        u64 i = l->first++ % ARRAY_LEN(l->queue_key);

        if (l->at[l->queue_key[i]] == l->queue_at[i]) {
            l->at[l->queue_key[i]] = 0;
            l->used -= bytes;
        }
    }
    return false;
}

/* Zipf with exponent `s` over n keys, by inversion of the continuous one. */
static u32 zipf(struct random *r, u32 n, double s)
{
    double u = random_unit(r), top = pow(n, 1 - s);

    return (u32)min(pow(u * (top - 1) + 1, 1 / (1 - s)) - 1, (double)n - 1);
}

/* The hit ratio of the slab, less that of an LRU whose entries have no overhead at all. */
static void compare(const char *what, bool scans, double least, double more_than_lru)
{
    enum { BYTES = 4 << 20, BODY = 1000, COUNTED = 512 * 3, KEYS = 40000, REQUESTS = 600000 };
    struct store *s = store_make(BYTES, 1);
    struct lru *l = calloc(1, sizeof(*l));
    struct random r = { 42 };
    u32 hits = 0, lru_hits = 0, n = 0, scan = KEYS;

    l->bytes = BYTES;
    for (u32 i = 0; i < REQUESTS; i++) {
        /* A crawler comes by: a tenth of the time all that is asked for is asked for once. */
        u32 k = scans && i / 5000 % 3 == 0 ? scan++ : zipf(&r, KEYS, 0.9);
        bool hit = is_there(s, k), lru_hit;

        if (scan == LRU_KEYS)
            scan = KEYS;
        if (!hit && !put(s, k, BODY))
            hit = false;
        lru_hit = lru_get(l, k, COUNTED);
        if (i >= REQUESTS / 4) {
            hits += hit;
            lru_hits += lru_hit;
            n++;
        }
    }
    printf("# %s: %.4f, LRU of the same bytes %.4f: %+.1f %%\n", what, (double)hits / n,
           (double)lru_hits / n, 100.0 * hits / lru_hits - 100);
    CHECK((double)hits / n > least);
    CHECK((double)hits > lru_hits * more_than_lru);
    free(l);
    store_free(s);
}

static void more_is_hit_than_in_an_LRU_of_the_same_bytes(void)
{
    compare("zipf 0.9", false, 0.4, 1.1);
}

static void a_scan_does_not_drive_out_what_is_asked_for(void)
{
    compare("zipf 0.9, a third of it scans", true, 0.2, 1.1);
}

/* ---- threads ---- */

static struct store *shared;

static void *reader(void *arg)
{
    struct random r = { (u64)(uintptr_t)arg };
    u64 torn = 0;

    for (u32 i = 0; i < 20000; i++) {
        u64 n = random_u64(&r) % 300;
        u32 bytes = (u32)(n * 37 % 5000);
        const struct stored *e = get(shared, n);

        if (e) {
            torn += !is_whole(shared, e, n, bytes);
            store_unpin(shared, e);
        } else if (!put(shared, n, bytes)) {
            continue;
        }
        if (i % 97 == 0)
            store_invalidate(shared, key_of(n));
        if (i % 5000 == 0)
            store_purge(shared, &(struct store_purge){ .app = UINT32_MAX });
        if (i % 53 == 0)
            store_mark(shared, key_of(n + 1000), 10);
    }
    return (void *)(uintptr_t)torn;
}

static void threads_that_read_write_and_purge_see_whole_responses_only(void)
{
    pthread_t t[4];
    struct store_use use;

    shared = store_make(512 << 10, 2);
    for (u32 i = 0; i < ARRAY_LEN(t); i++)
        CHECK_EQ(pthread_create(&t[i], NULL, reader, (void *)(uintptr_t)(i + 1)), 0);
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        void *torn = NULL;

        CHECK_EQ(pthread_join(t[i], &torn), 0);
        CHECK_EQ((uintptr_t)torn, 0);
    }
    store_purge(shared, &(struct store_purge){ .app = UINT32_MAX });
    store_use(shared, &use);
    CHECK(use.bytes <= 300 * STORE_BLOCK_BYTES); /* markers */
    store_free(shared);
}

int main(void)
{
    TEST(what_is_stored_is_found_as_a_whole);
    TEST(it_is_seen_only_when_it_is_complete);
    TEST(what_is_removed_while_it_is_sent_stays_until_it_is_let_go);
    TEST(what_was_asked_for_before_a_removal_is_not_stored_after_it);
    TEST(memory_is_bounded_whatever_comes);
    TEST(a_marker_says_that_waiting_is_of_no_use_for_a_while);
    TEST(a_purge_goes_by_path_tag_and_app);
    TEST(more_is_hit_than_in_an_LRU_of_the_same_bytes);
    TEST(a_scan_does_not_drive_out_what_is_asked_for);
    TEST(threads_that_read_write_and_purge_see_whole_responses_only);
    return tap_done();
}
