/* balance/pick.c -- which worker gets a request */
#include "balance/pick.h"

enum readiness { READY_NOW, READY_SOON, READY_LATER };

/* How long this turn may have lasted and still be about to end: four times what its requests take
 * in the mean, since the kernel may have given the CPU to others in between. */
static u64 turn_max_ns(const struct pick_worker *w)
{
    return max(2 * PICK_SHORT_NS, 4 * w->taken * w->request_mean_ns);
}

static enum readiness readiness(const struct pick_worker *w)
{
    if (w->busy_ns == 0 && w->unseen == 0)
        return READY_NOW;
    if (w->blocks || w->unseen >= w->ahead_max || w->busy_ns > turn_max_ns(w))
        return READY_LATER;
    return READY_SOON;
}

/* Whether what is ahead of a request on a running loop is so little that another loop is not worth
 * it: little to come, and the turn that runs is not overdue, as it would be in a collection. */
static bool is_over_at_once(const struct pick_worker *w)
{
    return (w->unseen + 1) * w->request_mean_ns <= PICK_SHORT_NS &&
           w->busy_ns <= 2 * max(w->taken, (u64)1) * w->request_mean_ns;
}

/* The order in which workers are wanted for a lane; the lowest first. */
enum rank { RANK_NEVER = 99 };

static u32 rank(const struct pick_worker *w, enum pick_lane lane)
{
    enum readiness r = readiness(w);

    if (r == READY_LATER)
        return RANK_NEVER;
    switch (lane) {
    case PICK_NO_LANE:
        return r == READY_NOW ? 0 : 3;
    case PICK_FAST:
        if (w->kept)
            return r == READY_NOW ? 0 : is_over_at_once(w) ? 1 : 3;
        return r == READY_NOW ? 2 : 4;
    case PICK_SLOW:
        return r == READY_NOW && !w->kept ? 0 : RANK_NEVER;
    case PICK_AGED:
        return r != READY_NOW ? RANK_NEVER : w->kept ? 1 : 0;
    }
    return RANK_NEVER;
}

void pick_keep(struct pick_worker *workers, u32 n, u32 kept, bool slow_waits)
{
    for (u32 i = 0; i < n; i++) {
        u32 before = 0;

        for (u32 k = 0; k < n && kept; k++)
            before += workers[k].id < workers[i].id || (workers[k].id == workers[i].id && k < i);
        workers[i].kept = before < kept;
        workers[i].blocks |= slow_waits && !workers[i].kept;
    }
}

static enum pick_verdict pick_idle_first(struct pick_state *state,
                                         const struct pick_worker *workers, u32 n,
                                         enum pick_lane lane, u32 *index)
{
    u32 best = RANK_NEVER;
    u64 best_load = 0;

    for (u32 k = 0; k < n; k++) {
        u32 i = (state->turn + k) % n, r = rank(&workers[i], lane);
        const struct pick_worker *w = &workers[i];
        u64 load = w->unseen << 32 | w->in_flight; /* nothing is unseen where a loop waits */

        if (r == RANK_NEVER || r > best || (r == best && load >= best_load))
            continue;
        best = r;
        best_load = load;
        *index = i;
    }
    return best == RANK_NEVER ? PICK_QUEUE : PICK_GIVE;
}

static u32 pick_least_conn(const struct pick_state *state, const struct pick_worker *workers, u32 n)
{
    u32 best = state->turn % n;

    for (u32 k = 1; k < n; k++) {
        u32 i = (state->turn + k) % n;

        if (workers[i].in_flight < workers[best].in_flight)
            best = i;
    }
    return best;
}

/* splitmix64's finaliser (Steele, Lea, Flood 2014). */
static u64 mix(u64 x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* Rendezvous hashing (Thaler and Ravishankar 1998): when a worker goes, only its keys move. */
static u32 pick_hash(const struct pick_worker *workers, u32 n, u64 key)
{
    u64 best_score = 0;
    u32 best = 0;

    for (u32 i = 0; i < n; i++) {
        u64 score = mix(key ^ mix(workers[i].id + 0x9e3779b97f4a7c15ull));

        if (i == 0 || score > best_score) {
            best_score = score;
            best = i;
        }
    }
    return best;
}

enum pick_verdict pick_worker(struct pick_state *state, enum pick_policy policy,
                              const struct pick_worker *workers, u32 n, u64 key,
                              enum pick_lane lane, u32 *index)
{
    enum pick_verdict verdict = PICK_GIVE;

    if (n == 0)
        return PICK_NOBODY;
    switch (policy) {
    case PICK_IDLE_FIRST:
        verdict = pick_idle_first(state, workers, n, lane, index);
        break;
    case PICK_LEAST_CONN:
        *index = pick_least_conn(state, workers, n);
        break;
    case PICK_ROUND_ROBIN:
        *index = state->turn % n;
        break;
    case PICK_HASH:
        *index = pick_hash(workers, n, key);
        break;
    }
    if (verdict == PICK_GIVE)
        state->turn++;
    return verdict;
}
