/* shared/kvpolicy.c -- who stays in a shard, and who makes room */
#include "shared/kvpolicy.h"

#include "shared/word.h"

enum { MOVES_MAX = 64, FULL_EIGHTHS = 7 };
#define MOVED_BYTES_MAX (1024 * 1024ull)

/* What one call may still move. */
struct effort {
    u32 moves;
    u64 bytes;
};

static struct ringlog *window(const struct kvshard *s)
{
    return &s->head->ring[KVSHARD_WINDOW];
}

static struct ringlog *main_ring(const struct kvshard *s)
{
    return &s->head->ring[KVSHARD_MAIN];
}

u64 kvpolicy_largest(const struct kvshard *s)
{
    return main_ring(s)->bytes / 4;
}

static bool expired(const struct ringlog_entry *e, u64 now_ns)
{
    return e->expires_ns && e->expires_ns <= now_ns;
}

/* A copy of it at this place is what its slot leads to from now on. */
static void move(struct kvshard *s, const struct kvplace *p, struct ringlog *to, u64 at)
{
    struct ringlog_entry *from = kvshard_entry(s, p->bucket->slot[p->slot]), *copy;

    atomic_thread_fence(memory_order_release);
    words_write(kvshard_at(s, to, at), from, from->bytes);
    copy = kvshard_put(s, to, at, from->bytes);
    kvshard_lead(s, p, copy, false);
    kvshard_kill(s, from);
}

/* The oldest entry that is there, without the dead before it; NULL: there is none. */
static struct ringlog_entry *oldest(struct kvshard *s, struct ringlog *r, struct kvplace *p)
{
    for (u64 at; (at = ringlog_oldest(r)) != UINT64_MAX;) {
        struct ringlog_entry *e = kvshard_at(s, r, at);

        if (kvshard_find_entry(s, e, p))
            return e;
        ringlog_pop(r, e->bytes);
    }
    return NULL;
}

/* The ring's oldest one goes for good. */
static void evict(struct kvshard *s, struct ringlog *r, const struct kvplace *p)
{
    u32 bytes = kvshard_entry(s, p->bucket->slot[p->slot])->bytes;

    kvshard_drop(s, p);
    ringlog_pop(r, bytes);
    s->head->evicted++;
}

/* The oldest of the main ring goes to its other end, if the effort allows it. */
static bool renew(struct kvshard *s, const struct kvplace *p, struct effort *effort)
{
    struct ringlog *r = main_ring(s);
    u32 bytes = kvshard_entry(s, p->bucket->slot[p->slot])->bytes;
    u64 at;

    if (!effort->moves || effort->bytes < bytes ||
        (at = kvshard_place(s, r, bytes, true)) == UINT64_MAX)
        return false;
    effort->moves--;
    effort->bytes -= bytes;
    kvshard_unask(p);
    move(s, p, r, at);
    ringlog_pop(r, bytes);
    return true;
}

static bool crowded(const struct kvshard *s)
{
    return s->entries_max && atomic_load_explicit(s->total, memory_order_relaxed) > s->entries_max;
}

/* Where among the others an entry of so many bytes, which is asked for so often, gets a place.
 * UINT64_MAX: they are worth more. What was asked for, and what only stands where garbage is in the
 * way, is moved. */
static u64 admit(struct kvshard *s, u64 need, u32 asked, u64 now_ns)
{
    struct effort effort = { MOVES_MAX, max(MOVED_BYTES_MAX, need * 4) };
    struct ringlog *r = main_ring(s);

    for (;;) {
        bool too_many = crowded(s);
        bool sparse = !too_many && r->live_bytes + need <= r->bytes / 8 * FULL_EIGHTHS;
        u64 at = too_many ? UINT64_MAX : kvshard_place(s, r, need, false);
        struct ringlog_entry *e;
        struct kvplace p;

        if (at != UINT64_MAX)
            return at;
        e = oldest(s, r, &p);
        if (!e)
            return too_many ? UINT64_MAX : kvshard_place(s, r, need, true);
        if (!expired(e, now_ns)) {
            if ((kvshard_asked(&p) || sparse) && renew(s, &p, &effort))
                continue;
            if (asked <= frequency_of(&s->frequency, e->hash))
                return UINT64_MAX;
        }
        evict(s, r, &p);
    }
}

/* The oldest of the window goes to the others, or away. */
static void window_give(struct kvshard *s, u64 now_ns)
{
    struct ringlog *w = window(s);
    struct kvplace p;
    struct ringlog_entry *e = oldest(s, w, &p);
    u64 at, bytes;

    if (!e)
        return;
    if (expired(e, now_ns)) {
        evict(s, w, &p);
        return;
    }
    bytes = e->bytes;
    at = admit(s, bytes, frequency_of(&s->frequency, e->hash), now_ns);
    if (at == UINT64_MAX) {
        evict(s, w, &p);
        s->head->rejected++;
        return;
    }
    /* Where its slot is has not changed: nothing is added meanwhile. */
    move(s, &p, main_ring(s), at);
    kvshard_unask(&p);
    ringlog_pop(w, bytes);
}

bool kvpolicy_room(struct kvshard *s, u64 need, u64 now_ns, struct ringlog **ring, u64 *at)
{
    struct ringlog *w = window(s);

    if (need > kvpolicy_largest(s))
        return false;
    if (need <= w->bytes / 4) {
        *ring = w;
        while ((*at = kvshard_place(s, w, need, false)) == UINT64_MAX) {
            if (ringlog_oldest(w) == UINT64_MAX)
                return false;
            window_give(s, now_ns);
        }
        return true;
    }
    *ring = main_ring(s);
    *at = admit(s, need, UINT32_MAX, now_ns);
    return *at != UINT64_MAX;
}

void kvpolicy_settle(struct kvshard *s, u64 now_ns)
{
    struct ringlog *w = window(s);
    struct effort effort = { MOVES_MAX, MOVED_BYTES_MAX };

    while (w->entries > s->head->window_entries_max)
        window_give(s, now_ns);
    while (crowded(s)) {
        struct kvplace p;
        struct ringlog_entry *e = oldest(s, main_ring(s), &p);

        if (!e && w->entries > 1)
            window_give(s, now_ns);
        else if (!e)
            break;
        else if (expired(e, now_ns) || !kvshard_asked(&p) || !renew(s, &p, &effort))
            evict(s, main_ring(s), &p);
    }
}
