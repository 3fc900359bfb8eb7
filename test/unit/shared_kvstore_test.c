/* test/unit/shared_kvstore_test.c -- one store for many processes, any of which may die in it */
#include "shared/kvstore.h"

#include "base/clock.h"
#include "base/hash.h"
#include "shared/word.h"

#include "tap.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { VALUE_MAX = 64 * 1024 };

struct made {
    void *memory;
    struct kvstore_shape shape;
    struct kvstore *store;
};

static struct made make(u64 bytes, u64 entries_max)
{
    struct made m;

    CHECK_EQ(kvstore_shape(&m.shape, bytes, entries_max), 0);
    m.memory = mmap(NULL, m.shape.bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(m.memory != MAP_FAILED);
    CHECK_EQ(kvstore_make(m.memory, &m.shape), 0);
    CHECK_EQ(kvstore_open(&m.store, m.memory, &m.shape, NULL, NULL), 0);
    return m;
}

static void unmake(struct made *m)
{
    kvstore_close(m->store);
    munmap(m->memory, m->shape.bytes);
}

static enum kvstore_set put(struct made *m, struct str key, struct str value, u64 expires_ns,
                            u64 now_ns)
{
    struct kvstore_value v = { .bytes = value, .expires_ns = expires_ns, .kind = 7 };

    return kvstore_set(m->store, key, kvstore_hash(m->store, key), &v, now_ns, NULL);
}

static enum kvstore_found take(struct made *m, struct str key, u64 now_ns, struct kvstore_got *got)
{
    return kvstore_get(m->store, key, kvstore_hash(m->store, key), now_ns, got);
}

static char text[VALUE_MAX];
static struct kvstore_got got = { .buf = text, .room = sizeof(text) };

static struct str read_back(void)
{
    return str_make(text, got.len);
}

static struct str numbered(char *out, const char *word, u32 n)
{
    return str_make(out, (size_t)snprintf(out, 32, "%s%u", word, n));
}

static void a_value_is_there_until_it_is_deleted(void)
{
    struct made m = make(1 << 20, 0);
    struct str key = STR("user:1");

    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_MISSING);
    CHECK_EQ(put(&m, key, STR("Ada"), 0, 1), KVSTORE_STORED);
    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_HIT);
    CHECK_STR(read_back(), "Ada");
    CHECK_EQ(got.kind, 7);
    CHECK_EQ(put(&m, key, STR("Grace Hopper"), 0, 1), KVSTORE_STORED);
    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_HIT);
    CHECK_STR(read_back(), "Grace Hopper");
    CHECK_EQ(kvstore_remove(m.store, key, kvstore_hash(m.store, key), 1), KVSTORE_REMOVED);
    CHECK_EQ(kvstore_remove(m.store, key, kvstore_hash(m.store, key), 1), KVSTORE_NOT_THERE);
    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_MISSING);
    CHECK_EQ(put(&m, STR(""), STR(""), 0, 1), KVSTORE_STORED);
    CHECK_EQ(take(&m, STR(""), 1, &got), KVSTORE_HIT);
    CHECK_EQ(got.len, 0);
    unmake(&m);
}

static void an_expired_value_says_so(void)
{
    struct made m = make(1 << 20, 0);
    struct str key = STR("k");

    CHECK_EQ(put(&m, key, STR("v"), 100, 1), KVSTORE_STORED);
    CHECK_EQ(take(&m, key, 99, &got), KVSTORE_HIT);
    CHECK_EQ(take(&m, key, 100, &got), KVSTORE_EXPIRED);
    CHECK_STR(read_back(), "v");
    CHECK_EQ(kvstore_has(m.store, key, kvstore_hash(m.store, key), 100), KVSTORE_EXPIRED);
    unmake(&m);
}

static void a_value_that_is_too_large_removes_the_old_one(void)
{
    struct made m = make(KVSTORE_BYTES_MIN, 0);
    struct str key = STR("k");

    CHECK_EQ(put(&m, key, STR("small"), 0, 1), KVSTORE_STORED);
    CHECK_EQ(put(&m, key, str_make(text, sizeof(text)), 0, 1), KVSTORE_TOO_LARGE);
    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_MISSING);
    unmake(&m);
}

static void a_buffer_that_is_too_small_is_told_the_length(void)
{
    struct made m = make(1 << 20, 0);
    char small[4] = "xyz";
    struct kvstore_got little = { .buf = small, .room = 2 };

    CHECK_EQ(put(&m, STR("k"), STR("long enough"), 0, 1), KVSTORE_STORED);
    CHECK_EQ(take(&m, STR("k"), 1, &little), KVSTORE_HIT);
    CHECK_EQ(little.len, 11);
    CHECK(small[0] == 'x');
    unmake(&m);
}

/* As many entries as were asked for are all there, however they hash; one more, and one goes. */
static void a_limit_of_entries_is_kept_exactly(void)
{
    static const u32 limits[] = { 1, 2, 7, 100, 4000 };

    for (u32 l = 0; l < ARRAY_LEN(limits); l++) {
        struct made m = make(4 << 20, limits[l]);
        struct kvstore_use use;
        char name[32];

        for (u32 i = 0; i < limits[l]; i++)
            CHECK_EQ(put(&m, numbered(name, "k", i), STR("v"), 0, 1), KVSTORE_STORED);
        for (u32 i = 0; i < limits[l]; i++)
            CHECK_EQ(take(&m, numbered(name, "k", i), 1, &got), KVSTORE_HIT);
        for (u32 i = 0; i < 500; i++) {
            struct str key = numbered(name, "more", i);

            CHECK_EQ(put(&m, key, STR("v"), 0, 1), KVSTORE_STORED);
            CHECK_EQ(take(&m, key, 1, &got), KVSTORE_HIT); /* what was just set is there */
            kvstore_use(m.store, &use);
            CHECK_EQ(use.entries, limits[l]);
        }
        unmake(&m);
    }
}

/* What is asked for again and again outlives any number of keys that come once. */
static void what_is_asked_for_stays_while_a_crawler_comes_by(void)
{
    struct made m = make(1 << 20, 1000);
    u32 hits = 0;
    char name[32];

    for (u32 i = 0; i < 200; i++)
        CHECK_EQ(put(&m, numbered(name, "hot", i), STR("v"), 0, 1), KVSTORE_STORED);
    for (u32 round = 0; round < 5; round++)
        for (u32 i = 0; i < 200; i++)
            CHECK_EQ(take(&m, numbered(name, "hot", i), 1, &got), KVSTORE_HIT);
    for (u32 i = 0; i < 20000; i++) {
        CHECK_EQ(put(&m, numbered(name, "once", i), STR("v"), 0, 1), KVSTORE_STORED);
        if (i % 5 == 0 && take(&m, numbered(name, "hot", i / 5 % 200), 1, &got) == KVSTORE_HIT)
            hits++;
    }
    CHECK(hits >= 4000 / 2); /* of an LRU it would be none: 1000 keys come between two times */
    unmake(&m);
}

/* Values of all lengths, rewritten all the time, stay within the memory and lose nothing that fits.
 */
static void a_store_that_is_not_full_loses_nothing_however_it_is_rewritten(void)
{
    struct made m = make(2 << 20, 0);
    struct hash_key seed = { 1, 2 };
    struct kvstore_use use;
    char name[32];
    u32 wrong = 0, lost = 0;
    static u32 len_of[400];

    for (u32 round = 0; round < 50000; round++) {
        u64 h = hash_str(&seed, numbered(name, "", round));
        u32 i = h % 400;
        struct str key = numbered(name, "k", i);

        len_of[i] = 1 + (u32)(h >> 20) % 3000;
        memset(text, (int)(i & 0x7f), len_of[i]);
        CHECK_EQ(put(&m, key, str_make(text, len_of[i]), 0, 1), KVSTORE_STORED);
        i = (u32)(h >> 40) % 400;
        if (!len_of[i])
            continue;
        if (take(&m, numbered(name, "k", i), 1, &got) != KVSTORE_HIT)
            lost++;
        else
            wrong += got.len != len_of[i] || text[got.len - 1] != (char)(i & 0x7f);
    }
    CHECK_EQ(lost, 0);
    CHECK_EQ(wrong, 0);
    kvstore_use(m.store, &use);
    CHECK(use.entries <= 400);
    CHECK_EQ(use.evicted, 0);
    unmake(&m);
}

static u64 touched_bytes(const struct made *m)
{
    static unsigned char in[65536];
    u64 pages = m->shape.bytes / 4096, n = 0;

    CHECK_EQ(mincore(m->memory, m->shape.bytes, in), 0);
    for (u64 i = 0; i < pages; i++)
        n += in[i] & 1;
    return n * 4096;
}

static void few_entries_take_little_memory_however_often_they_are_written(void)
{
    struct made m = make(128 << 20, 1000);
    char name[32];

    for (u32 i = 0; i < 300000; i++)
        CHECK_EQ(put(&m, numbered(name, "k", i % 50), str_make(text, 1000), 0, 1), KVSTORE_STORED);
    CHECK(touched_bytes(&m) < 1 << 20);
    unmake(&m);
}

static void a_version_changes_with_each_set_and_delete(void)
{
    struct made m = make(1 << 20, 0);
    struct str key = STR("k");
    u64 hash = kvstore_hash(m.store, key), bytes;
    _Atomic u32 *versions =
        (_Atomic u32 *)((char *)m.memory + kvstore_versions_at(m.store, &bytes));
    struct kvstore_place place;
    struct kvstore_value v = { .bytes = STR("v") };

    CHECK_EQ(kvstore_set(m.store, key, hash, &v, 1, &place), KVSTORE_STORED);
    CHECK(place.version_word < bytes / 4);
    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_HIT);
    CHECK_EQ(got.place.version, place.version);
    CHECK_EQ(versions[place.version_word], place.version);
    CHECK_EQ(kvstore_set(m.store, key, hash, &v, 1, NULL), KVSTORE_STORED);
    CHECK(versions[place.version_word] != place.version);
    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_HIT);
    CHECK_EQ(kvstore_remove(m.store, key, hash, 1), KVSTORE_REMOVED);
    CHECK(versions[place.version_word] != got.place.version);
    CHECK_EQ(put(&m, key, STR("v"), 0, 1), KVSTORE_STORED);
    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_HIT);
    CHECK(kvstore_clear(m.store));
    CHECK(versions[place.version_word] != got.place.version);
    CHECK_EQ(take(&m, key, 1, &got), KVSTORE_MISSING);
    unmake(&m);
}

static void a_number_is_counted_until_its_time_is_over(void)
{
    struct made m = make(1 << 20, 0);
    struct str key = STR("client");
    u64 hash = kvstore_hash(m.store, key);
    struct kvstore_number n;

    CHECK_EQ(kvstore_add(m.store, key, hash, false, 100, 1, &n), KVSTORE_ADDED);
    CHECK_EQ(n.n, 0);
    for (u32 i = 1; i <= 5; i++) {
        CHECK_EQ(kvstore_add(m.store, key, hash, true, 100, i, &n), KVSTORE_ADDED);
        CHECK_EQ(n.n, i);
        CHECK_EQ(n.expires_ns, 101);
    }
    CHECK_EQ(kvstore_add(m.store, key, hash, false, 100, 9, &n), KVSTORE_ADDED);
    CHECK_EQ(n.n, 4);
    CHECK_EQ(kvstore_add(m.store, key, hash, true, 100, 101, &n), KVSTORE_ADDED);
    CHECK_EQ(n.n, 1);
    CHECK_EQ(n.expires_ns, 201);
    unmake(&m);
}

static void a_claim_is_one_owners_until_he_gives_it_back_or_dies(void)
{
    struct made m = make(1 << 20, 0);
    struct owner self = owner_self(1), other = owner_self(2);
    pid_t child;
    int status;

    CHECK_EQ(kvstore_claim(m.store, 5, &self), KVSTORE_CLAIMED);
    CHECK_EQ(kvstore_claim(m.store, 5, &other), KVSTORE_AWAITED);
    CHECK_EQ(kvstore_claim(m.store, 6, &other), KVSTORE_CLAIMED);
    kvstore_unclaim(m.store, 5, &other);
    CHECK_EQ(kvstore_claim(m.store, 5, &other), KVSTORE_AWAITED);
    kvstore_unclaim(m.store, 5, &self);
    CHECK_EQ(kvstore_claim(m.store, 5, &other), KVSTORE_CLAIMED);
    kvstore_unclaim_all(m.store, &other);
    CHECK_EQ(kvstore_claim(m.store, 6, &self), KVSTORE_CLAIMED);
    child = fork();
    if (child == 0) {
        struct owner gone = owner_self(1);

        _exit(kvstore_claim(m.store, 7, &gone) == KVSTORE_CLAIMED ? 0 : 1);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(kvstore_claim(m.store, 7, &self), KVSTORE_CLAIMED);
    unmake(&m);
}

/* ---- many at once: each value says its key, its writer's number, and its own checksum ---- */

enum { KEYS = 600, STRESS_VALUE_MAX = 2000 };
static const struct hash_key sum_key = { 3, 4 };

static u32 stress_value(char *out, u32 key, u64 random)
{
    u32 len = 24 + (u32)(random % (STRESS_VALUE_MAX - 24));
    u64 head[3] = { key, random, 0 };

    memset(out + sizeof(head), (int)(random & 0xff), len - sizeof(head));
    memcpy(out, head, 16);
    head[2] = hash_str(&sum_key, str_make(out + sizeof(head), len - sizeof(head))) ^
              hash_str(&sum_key, str_make((char *)head, 16));
    memcpy(out, head, sizeof(head));
    return len;
}

static bool stress_check(const char *value, size_t len, u32 key)
{
    u64 head[3];

    if (len < sizeof(head))
        return false;
    memcpy(head, value, sizeof(head));
    return head[0] == key && head[2] == (hash_str(&sum_key, str_make(value + 24, len - 24)) ^
                                         hash_str(&sum_key, str_make(value, 16)));
}

static u64 next(u64 *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 11;
}

/* One random operation; false: what was read is not what somebody has written. */
static bool stress_step(struct kvstore *s, u64 *state, char *buf)
{
    char name[32];
    u32 k = (u32)(next(state) % KEYS);
    struct str key = numbered(name, "key", k);
    u64 hash = kvstore_hash(s, key), what = next(state) % 100;
    struct kvstore_got g = { .buf = buf, .room = STRESS_VALUE_MAX };

    if (what < 50)
        return kvstore_get(s, key, hash, 1, &g) != KVSTORE_HIT || stress_check(buf, g.len, k);
    if (what < 94) {
        struct kvstore_value v = { .bytes = { buf, stress_value(buf, k, next(state)) } };

        return kvstore_set(s, key, hash, &v, 1, NULL) == KVSTORE_STORED;
    }
    if (what < 99)
        return kvstore_remove(s, key, hash, 1) != KVSTORE_REMOVE_BUSY;
    return next(state) % 100 || kvstore_clear(s);
}

struct worker {
    struct kvstore *store;
    u64 seed, steps;
    u32 wrong;
};

static void *stress_run(void *arg)
{
    struct worker *w = arg;
    char buf[STRESS_VALUE_MAX];

    for (u64 i = 0; i < w->steps; i++)
        w->wrong += !stress_step(w->store, &w->seed, buf);
    return NULL;
}

static void threads_at_once_read_only_what_somebody_wrote(void)
{
    struct made m = make(KVSTORE_BYTES_MIN, 0);
    struct worker w[4];
    pthread_t thread[ARRAY_LEN(w)];

    for (u32 i = 0; i < ARRAY_LEN(w); i++) {
        w[i] = (struct worker){ m.store, i + 1, 20000, 0 };
        CHECK_EQ(pthread_create(&thread[i], NULL, stress_run, &w[i]), 0);
    }
    for (u32 i = 0; i < ARRAY_LEN(w); i++) {
        pthread_join(thread[i], NULL);
        CHECK_EQ(w[i].wrong, 0);
    }
    unmake(&m);
}

#ifndef WORD_BY_WORD /* a process that forks with threads in it is not the thread sanitizer's \
                        thing */
struct common {
    _Atomic u32 wrong;
    _Atomic u32 begun; /* the newest child works */
};

static struct common *common_make(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert(p != MAP_FAILED);
    return p;
}

static NORETURN void stress_for_ever(struct kvstore *s, u64 seed, struct common *common)
{
    static char buf[STRESS_VALUE_MAX];

    for (atomic_store(&common->begun, (u32)seed);;)
        if (!stress_step(s, &seed, buf))
            atomic_fetch_add(&common->wrong, 1);
}

/* Of all keys, how many values are none. */
static u32 wrong_in(struct kvstore *s)
{
    static char buf[STRESS_VALUE_MAX];
    u32 wrong = 0;
    char name[32];

    for (u32 k = 0; k < KEYS; k++) {
        struct str key = numbered(name, "key", k);
        struct kvstore_got g = { .buf = buf, .room = sizeof(buf) };

        if (kvstore_get(s, key, kvstore_hash(s, key), 1, &g) == KVSTORE_HIT)
            wrong += !stress_check(buf, g.len, k);
    }
    return wrong;
}

/* Two processes write, and are killed at any time, again and again; a third one reads and writes.
 */
static void processes_that_are_killed_in_the_middle_leave_it_whole(void)
{
    u32 kills = getenv("FETTLE_KILLS") ? (u32)atoi(getenv("FETTLE_KILLS")) : 150;
    struct made m = make(KVSTORE_BYTES_MIN, 0);
    struct common *common = common_make();
    pid_t child[2] = { 0 };
    struct kvstore_use use;
    u64 state = 99;
    u32 seen = 0;

    for (u32 n = 0; n < kills; n++) {
        pid_t *c = &child[n % 2];

        if (*c) {
            kill(*c, SIGKILL);
            waitpid(*c, NULL, 0);
        }
        *c = fork();
        if (*c == 0)
            stress_for_ever(m.store, n + 1000, common);
        while (atomic_load(&common->begun) != n + 1000)
            usleep(50);
        for (u64 i = next(&state) % 500; i; i--)
            seen += !stress_step(m.store, &state, text);
        if (n % 50 == 0)
            seen += wrong_in(m.store);
    }
    for (u32 i = 0; i < 2; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
    CHECK_EQ(seen, 0);
    CHECK_EQ(common->wrong, 0);
    CHECK_EQ(wrong_in(m.store), 0);
    kvstore_use(m.store, &use);
    printf("# %u killed, %llu of them in a write\n", kills, (unsigned long long)use.repaired);
    CHECK(use.live_bytes <= m.shape.bytes);
    munmap(common, 4096);
    unmake(&m);
}

/* A child takes so many steps of one instruction in an operation, then it is killed. False: it was
 * through before. */
static bool killed_after(struct made *m, u64 seed, u32 steps, bool *traced)
{
    static char buf[STRESS_VALUE_MAX];
    bool was_through = false;
    int status = 0;
    pid_t c = fork();

    if (c == 0) {
        struct kvstore_value v;
        struct str key = STR("key7");
        u64 hash = kvstore_hash(m->store, key);

        v = (struct kvstore_value){ .bytes = { buf, stress_value(buf, 7, seed) } };
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(2);
        raise(SIGSTOP);
        if (seed % 8)
            _exit(kvstore_set(m->store, key, hash, &v, 1, NULL) != KVSTORE_STORED);
        _exit(kvstore_remove(m->store, key, hash, 1) == KVSTORE_REMOVE_BUSY);
    }
    waitpid(c, &status, 0);
    *traced = WIFSTOPPED(status);
    for (u32 i = 0; i < steps && WIFSTOPPED(status); i++) {
        if (ptrace(PTRACE_SINGLESTEP, c, NULL, NULL) < 0)
            break;
        waitpid(c, &status, 0);
    }
    was_through = !WIFSTOPPED(status);
    if (!was_through) {
        kill(c, SIGKILL);
        waitpid(c, &status, 0);
    }
    return !was_through;
}

/* Wherever it is killed, the key has the value before or the one after, and what else there is is
 * whole and complete. */
static void a_process_may_be_killed_at_each_instruction_of_a_set_and_a_delete(void)
{
    struct made m = make(KVSTORE_BYTES_MIN, 0);
    struct kvstore_use use;
    u64 state = 5;
    u32 wrong = 0, killed = 0, steps = 1;
    bool traced = true;

    for (u32 i = 0; i < 3000; i++)
        wrong += !stress_step(m.store, &state, text);
    for (u32 n = 0; n < 200 && traced; n++) {
        bool was_killed = killed_after(&m, next(&state), steps, &traced);

        killed += was_killed;
        steps = was_killed ? steps + 1 + (u32)(next(&state) % 30) : 1 + (u32)(next(&state) % 30);
        for (u32 i = 0; i < 20; i++)
            wrong += !stress_step(m.store, &state, text);
        wrong += wrong_in(m.store);
    }
    CHECK_EQ(wrong, 0);
    kvstore_use(m.store, &use);
    printf("# %u killed, %llu of them in a write\n", killed, (unsigned long long)use.repaired);
    CHECK(!traced || use.repaired > 20);
    unmake(&m);
}
#endif

int main(void)
{
    TEST(a_value_is_there_until_it_is_deleted);
    TEST(an_expired_value_says_so);
    TEST(a_value_that_is_too_large_removes_the_old_one);
    TEST(a_buffer_that_is_too_small_is_told_the_length);
    TEST(a_limit_of_entries_is_kept_exactly);
    TEST(what_is_asked_for_stays_while_a_crawler_comes_by);
    TEST(a_store_that_is_not_full_loses_nothing_however_it_is_rewritten);
    TEST(few_entries_take_little_memory_however_often_they_are_written);
    TEST(a_version_changes_with_each_set_and_delete);
    TEST(a_number_is_counted_until_its_time_is_over);
    TEST(a_claim_is_one_owners_until_he_gives_it_back_or_dies);
    TEST(threads_at_once_read_only_what_somebody_wrote);
#ifndef WORD_BY_WORD
    TEST(processes_that_are_killed_in_the_middle_leave_it_whole);
    TEST(a_process_may_be_killed_at_each_instruction_of_a_set_and_a_delete);
#endif
    return tap_done();
}
