/* guard/concurrency.c -- how many requests at once an app can do with, found out */
#include "guard/concurrency.h"

#include "base/clock.h"

#include <math.h>

/* A window is over with so many answers after so long. */
enum { ANSWERS_MANY = 200, ANSWERS_SOME = 20, ANSWERS_FEW = 4 };
#define WINDOW_LEAST_NS (NS_PER_S / 4)
#define WINDOW_USUAL_NS NS_PER_S
#define WINDOW_MOST_NS (5 * NS_PER_S)
/* Nobody has met it for so long: it goes. */
#define UNMET_NS (10 * NS_PER_S)
/* How often a limit that is met is tried with less. */
#define TRY_NS (10 * NS_PER_S)
#define QUIET_NS (10 * NS_PER_S)
/* An answer within this, times CONCURRENCY_GOOD, is soon enough, whatever is usual. */
#define USUAL_LEAST_NS (10.0 * NS_PER_MS)
enum { WRONGS_MOST = 5, SUSPICIONS = 2, BLATANT = 2 };

static const double first_part = 0.7, deeper = 0.7, least_part = 0.35, try_part = 0.8, worse = 1.3;
/* A loss of less than this may be chance, even with many answers. */
static const double loss_least = 0.1;

struct window {
    double seconds, answers, rate, answer_ns;
    bool met; /* somebody had to wait */
};

/* How often what is usual. */
static double times(const struct concurrency *c, double answer_ns)
{
    return answer_ns / max(c->usual_ns, USUAL_LEAST_NS);
}

static u32 least_of(const struct concurrency_reading *r)
{
    return CONCURRENCY_FREE * max(r->workers, 1u);
}

/* False: it goes on. */
static bool window_close(const struct concurrency *c, const struct concurrency_reading *r,
                         struct window *w)
{
    u64 took_ns = r->now_ns > c->begun.now_ns ? r->now_ns - c->begun.now_ns : 0;
    u64 answers = r->answers - c->begun.answers;
    /* So much that it need not be looked at for long. */
    bool blatant = c->state == CONCURRENCY_NONE && c->usual_ns > 0 && answers >= ANSWERS_FEW &&
                   c->in_flight / c->looks * (double)took_ns / (double)answers >
                       BLATANT * CONCURRENCY_SUSPECT * max(c->usual_ns, USUAL_LEAST_NS);

    if (!(took_ns >= WINDOW_LEAST_NS && blatant) &&
        !(took_ns >= WINDOW_LEAST_NS && answers >= ANSWERS_MANY) &&
        !(took_ns >= WINDOW_USUAL_NS && answers >= ANSWERS_SOME) &&
        !(took_ns >= WINDOW_MOST_NS && answers >= ANSWERS_FEW))
        return false;
    w->seconds = (double)took_ns / NS_PER_S;
    w->answers = (double)answers;
    w->rate = w->answers / w->seconds;
    w->answer_ns = c->in_flight / c->looks / w->rate * NS_PER_S;
    w->met = r->refused != c->begun.refused;
    return true;
}

/* Whether clearly fewer are answered than before the first cut. */
static bool lost(const struct concurrency *c, const struct window *w)
{
    return w->rate < c->rate * (1 - loss_least - 2 / sqrt(w->answers));
}

/* Upwards only where nobody meets a limit: under one, what is seen is what the limit makes of it.
 */
static void learn_usual(struct concurrency *c, double answer_ns, bool met)
{
    if (c->usual_ns == 0)
        c->usual_ns = answer_ns;
    else if (answer_ns < c->usual_ns)
        c->usual_ns += (answer_ns - c->usual_ns) / 4;
    else if (!met && answer_ns < c->usual_ns * CONCURRENCY_GOOD)
        c->usual_ns += (answer_ns - c->usual_ns) / 32;
}

static void cut(struct concurrency *c, const struct concurrency_reading *r, u32 from, double part)
{
    c->before = from;
    c->limit = max((u32)(from * part), least_of(r));
    c->state = CONCURRENCY_CUT;
    c->tried_ns = r->now_ns;
}

static void window_begin(struct concurrency *c, const struct concurrency_reading *r)
{
    c->begun = *r;
    c->in_flight = 0;
    c->looks = 0;
}

static void release(struct concurrency *c)
{
    c->state = CONCURRENCY_NONE;
    c->limit = 0;
    c->suspicions = 0;
}

/* ---- the states ---- */

static void unlimited(struct concurrency *c, const struct concurrency_reading *r,
                      const struct window *w)
{
    bool suspect = c->usual_ns > 0 && times(c, w->answer_ns) > CONCURRENCY_SUSPECT &&
                   r->in_flight > least_of(r);

    if (!suspect || r->now_ns < c->quiet_ns) {
        learn_usual(c, w->answer_ns, false);
        c->suspicions = 0;
        return;
    }
    c->suspicions += times(c, w->answer_ns) > BLATANT * CONCURRENCY_SUSPECT ? SUSPICIONS : 1;
    if (c->suspicions < SUSPICIONS)
        return;
    c->rate = w->rate;
    c->rate_ns = w->answer_ns;
    c->part = first_part;
    c->met_ns = r->now_ns;
    cut(c, r, r->in_flight, first_part);
}

/* It was of no use: what is seen now is what is usual. */
static void give_up(struct concurrency *c, const struct concurrency_reading *r,
                    const struct window *w)
{
    c->usual_ns = w->answer_ns;
    c->quiet_ns = r->now_ns + (QUIET_NS << min(c->wrongs, (u32)WRONGS_MOST));
    c->wrongs++;
    release(c);
}

static void after_cut(struct concurrency *c, const struct concurrency_reading *r,
                      const struct window *w)
{
    if (lost(c, w)) {
        if (w->answer_ns > c->rate_ns * worse) { /* it still breaks down */
            c->rate = w->rate;
            c->rate_ns = w->answer_ns;
            cut(c, r, c->limit, least_part);
            return;
        }
        if (w->answer_ns > c->rate_ns * first_part) {
            give_up(c, r, w);
            return;
        }
        c->limit = max(c->limit, c->before); /* too deep */
        c->state = CONCURRENCY_HOLD;
        return;
    }
    c->wrongs = 0;
    c->rate = max(c->rate * 0.98, w->rate);
    c->usual_ns =
        min(c->usual_ns, w->answer_ns); /* with as many answers, fewer at once are better */
    if (w->met && c->limit > least_of(r) && w->answer_ns > USUAL_LEAST_NS * CONCURRENCY_GOOD) {
        bool good = times(c, w->answer_ns) <= CONCURRENCY_GOOD;

        c->part = good ? try_part : max(c->part * deeper, least_part);
        cut(c, r, c->limit, c->part);
        return;
    }
    c->state = CONCURRENCY_HOLD;
}

static void holding(struct concurrency *c, const struct concurrency_reading *r,
                    const struct window *w)
{
    learn_usual(c, w->answer_ns, w->met);
    if (!w->met)
        return;
    if (r->now_ns - c->tried_ns >= TRY_NS && c->limit > least_of(r) &&
        w->answer_ns > USUAL_LEAST_NS * CONCURRENCY_GOOD) {
        c->rate = w->rate;
        c->rate_ns = INFINITY; /* a loss means only that it was too deep */
        c->part = try_part;
        cut(c, r, c->limit, try_part);
    } else if (times(c, w->answer_ns) <= CONCURRENCY_GOOD) {
        c->limit += (u32)max(sqrt(c->limit) / 2, 1.0);
    }
}

u32 concurrency_look(struct concurrency *c, const struct concurrency_reading *r)
{
    struct window w;

    if (c->begun.now_ns == 0 || r->answers < c->begun.answers) {
        window_begin(c, r);
        return c->limit;
    }
    if (c->limit && r->refused != c->begun.refused)
        c->met_ns = r->now_ns;
    if (c->limit && r->now_ns > c->met_ns && r->now_ns - c->met_ns >= UNMET_NS)
        release(c);
    /* What was passed before a cut says nothing of it: it has to be over first. */
    if (c->state == CONCURRENCY_CUT && !c->drained) {
        c->drained = r->in_flight <= c->limit;
        window_begin(c, r);
        return c->limit;
    }
    c->in_flight += r->in_flight;
    c->looks++;
    if (!window_close(c, r, &w))
        return c->limit;
    c->now_ns = w.answer_ns;
    switch (c->state) {
    case CONCURRENCY_NONE:
        unlimited(c, r, &w);
        break;
    case CONCURRENCY_CUT:
        after_cut(c, r, &w);
        break;
    case CONCURRENCY_HOLD:
        holding(c, r, &w);
        break;
    }
    c->drained = false;
    window_begin(c, r);
    return c->limit;
}
