/* cache/tinylfu.c -- who stays in a shard: W-TinyLFU, by bytes
 *
 * What is new stands in a window of a hundredth. What falls out of it, or is too large for it, gets
 * into the main part only if it is asked for more often than what would have to go: both are
 * compared by requests per byte, so that one large response does not drive out many small ones that
 * are worth more. Whoever is being sent stays where it is.
 */
#include "cache/shard.h"

enum { VICTIMS_MAX = 64 };

static u32 frequency(const struct shard *s, const struct stored *e)
{
    return sketch_of(&s->sketch, e->key.a);
}

static u32 main_blocks(const struct shard *s)
{
    return s->list[SHARD_PROBATION].blocks + s->list[SHARD_PROTECTED].blocks;
}

static void move(struct shard *s, struct stored *e, enum shard_list to)
{
    shard_list_del(s, e);
    shard_list_add(s, to, e);
}

void tinylfu_touch(struct shard *s, struct stored *e)
{
    if (e->prev == SHARD_NONE && e->list != SHARD_PROBATION)
        return; /* it was the last one already */
    move(s, e, e->list == SHARD_WINDOW ? SHARD_WINDOW : SHARD_PROTECTED);
    while (s->list[SHARD_PROTECTED].blocks > s->protected_max) {
        struct stored *last = shard_at(s, s->list[SHARD_PROTECTED].last);

        if (last == e)
            break;
        move(s, last, SHARD_PROBATION);
    }
}

/* What would have to go from the main part so that `need` blocks are free. */
struct victims {
    struct stored *e[VICTIMS_MAX];
    u32 n, blocks, frequency;
};

static bool victims_find(const struct shard *s, u32 need, struct victims *v)
{
    static const enum shard_list order[] = { SHARD_PROBATION, SHARD_PROTECTED };

    *v = (struct victims){ .n = 0 };
    for (u32 i = 0; i < ARRAY_LEN(order); i++) {
        for (u32 at = s->list[order[i]].last; at != SHARD_NONE; at = shard_at(s, at)->prev) {
            struct stored *e = shard_at(s, at);

            if (v->blocks >= need)
                return true;
            if (atomic_load(&e->refs) > 1)
                continue;
            if (v->n == VICTIMS_MAX)
                return false;
            v->e[v->n++] = e;
            v->blocks += e->blocks;
            v->frequency += frequency(s, e);
        }
    }
    return v->blocks >= need;
}

/* Whether a candidate of so many blocks is worth more than the victims, by the block. */
static bool beats(const struct shard *s, u64 hash, u32 blocks, const struct victims *v)
{
    return (u64)sketch_of(&s->sketch, hash) * v->blocks > (u64)v->frequency * blocks;
}

static void victims_remove(struct shard *s, const struct victims *v)
{
    for (u32 i = 0; i < v->n; i++)
        shard_remove(s, v->e[i]);
    s->counts.evicted += v->n;
}

/* The oldest of the window goes to the main part, or away. */
static void window_shrink(struct shard *s)
{
    struct stored *e = shard_at(s, s->list[SHARD_WINDOW].last);
    u32 room = s->main_max - min(s->main_max, main_blocks(s));
    struct victims v;

    if (e->blocks <= room) {
        move(s, e, SHARD_PROBATION);
        return;
    }
    if (e->blocks < s->main_max && victims_find(s, e->blocks - room, &v) &&
        beats(s, e->key.a, e->blocks, &v)) {
        victims_remove(s, &v);
        move(s, e, SHARD_PROBATION);
        return;
    }
    s->counts.rejected++;
    shard_remove(s, e);
}

void tinylfu_add(struct shard *s, struct stored *e)
{
    bool fits = e->blocks <= s->window_max / 2;

    /* tinylfu_room has let it in. */
    shard_list_add(s, fits ? SHARD_WINDOW : SHARD_PROBATION, e);
    while (s->list[SHARD_WINDOW].blocks > s->window_max)
        window_shrink(s);
}

bool tinylfu_room(struct shard *s, u32 blocks, u64 hash)
{
    struct victims v;

    if (blocks > s->main_max / 2)
        return false;
    while (s->free_n < blocks && s->list[SHARD_WINDOW].last != SHARD_NONE)
        window_shrink(s);
    if (s->free_n >= blocks)
        return true;
    if (!victims_find(s, blocks - s->free_n, &v) || !beats(s, hash, blocks, &v)) {
        s->counts.rejected++;
        return false;
    }
    victims_remove(s, &v);
    return s->free_n >= blocks;
}
