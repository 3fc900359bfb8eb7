/* guard/window.c -- a sliding window, exact at every moment */
#include "guard/window.h"

/* The words. */
struct state {
    u64 slot;                /* number of the newest one that was counted in */
    u64 whole_ns;            /* when nothing of it counts any more; 0: nothing does */
    u64 each_ns;             /* the period's part of one request */
    u32 count[WINDOW_SLOTS]; /* by the slot's number, modulo */
};
static_assert(sizeof(struct state) == WINDOW_WORDS * sizeof(u64), "what a place has room for");

struct window window_make(u32 most, u64 period_ns)
{
    u64 slot_ns = (period_ns + WINDOW_SLOTS - 2) / (WINDOW_SLOTS - 1);

    return (struct window){ (slot_ns + WINDOW_UNIT_NS - 1) / WINDOW_UNIT_NS * WINDOW_UNIT_NS,
                            most };
}

/* Forgets what is before the slots that count now. */
static void slide(struct state *s, u64 slot)
{
    if (slot >= s->slot + WINDOW_SLOTS) {
        memset(s->count, 0, sizeof(s->count));
    } else {
        for (u64 i = s->slot + 1; i <= slot; i++)
            s->count[i % WINDOW_SLOTS] = 0;
    }
    s->slot = slot;
}

static u64 sum_of(const struct state *s)
{
    u64 sum = 0;

    for (u32 i = 0; i < WINDOW_SLOTS; i++)
        sum += s->count[i];
    return sum;
}

/* When there is room for one again: the slots end one after the other. */
static u64 room_ns(const struct window *w, const struct state *s, u64 sum)
{
    for (u64 i = 0; i < WINDOW_SLOTS; i++) {
        u64 slot = s->slot + 1 + i; /* takes the place of the one that ends */

        sum -= s->count[slot % WINDOW_SLOTS];
        if (sum < w->most)
            return slot * w->slot_ns;
    }
    return (s->slot + WINDOW_SLOTS) * w->slot_ns;
}

struct rate_verdict window_take(const struct window *w, u64 *words, u64 now_ns)
{
    struct state *s = (struct state *)(void *)words;
    struct rate_verdict v = { 0 };
    u64 slot = max(now_ns / w->slot_ns, s->slot), sum; /* another thread may be ahead */

    slide(s, slot);
    sum = sum_of(s);
    v.admitted = sum < w->most;
    if (v.admitted) {
        s->count[slot % WINDOW_SLOTS]++;
        s->whole_ns = (slot + WINDOW_SLOTS) * w->slot_ns;
        s->each_ns = w->slot_ns * (WINDOW_SLOTS - 1) / w->most;
        v.remaining = (u32)(w->most - sum - 1);
    } else {
        u64 at_ns = room_ns(w, s, sum);

        v.retry_ns = at_ns > now_ns ? at_ns - now_ns : 1;
    }
    v.reset_ns = s->whole_ns > now_ns ? s->whole_ns - now_ns : 0;
    return v;
}

void window_give(const struct window *w, u64 *words)
{
    struct state *s = (struct state *)(void *)words;
    u32 *count = &s->count[s->slot % WINDOW_SLOTS];

    (void)w;
    *count -= *count > 0;
}

u64 window_debt(const u64 *words, u64 now_ns)
{
    const struct state *s = (const struct state *)(const void *)words;

    if (s->whole_ns <= now_ns)
        return 0;
    return max(sum_of(s) * s->each_ns, (u64)1);
}
