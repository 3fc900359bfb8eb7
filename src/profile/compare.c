/* profile/compare.c -- functions of two sides matched, and tested */
#include "profile/compare.h"

#include <math.h>

/* Fewer samples on both sides together are not worth a test, and would weaken all others. */
enum { TESTED_LEAST = 5 };

/* A function of one run. */
struct entry {
    u32 key; /* name and file */
    u32 side, run, frame;
    int32_t line, column;
    u64 self, total;
    u32 function; /* what it is matched to */
};

struct matching {
    const struct compare_side *side;
    struct comparison *c;
    struct names keys;
    struct buf text;
    struct entry *entry;
    u32 entries, entry_cap, function_cap;
    u32 runs;          /* of both sides */
    u64 *self, *total; /* [function][run of the first side, then of the second] */
    double *exposure;  /* [run] */
    double *hit_ms;
    u64 *busy; /* [run] */
};

static void matching_done(struct matching *m)
{
    names_done(&m->keys);
    buf_done(&m->text);
    free(m->entry);
    free(m->self);
    free(m->total);
    free(m->exposure);
    free(m->hit_ms);
    free(m->busy);
}

static struct str file_of(struct str url)
{
    return str_starts(url, STR("file://")) ? str_sub(url, 7, url.len) : url;
}

bool compare_saw_start(const struct profile *p)
{
    static const struct str starts[] = { STR("node:internal/main/"),
                                         STR("node:internal/modules/run_main"),
                                         STR("node:internal/modules/esm/") };

    for (u32 i = 0; i < p->frames; i++)
        for (u32 k = 0; k < ARRAY_LEN(starts); k++)
            if (str_starts(profile_url(p, i), starts[k]))
                return true;
    return false;
}

static enum hotspot_kind kind_of(const struct profile *p, u32 frame)
{
    struct str package;

    return hotspots_kind(profile_name(p, frame), profile_url(p, frame), &package);
}

static bool entry_add(struct matching *m, struct entry e, const struct profile *p)
{
    buf_clear(&m->text);
    buf_add(&m->text, profile_name(p, e.frame));
    buf_addc(&m->text, '\0');
    buf_add(&m->text, file_of(profile_url(p, e.frame)));
    e.key = m->text.failed ? NAMES_FAILED : names_intern(&m->keys, buf_str(&m->text));
    if (m->entries == m->entry_cap) {
        struct entry *more =
            realloc(m->entry, (m->entry_cap = m->entry_cap ? m->entry_cap * 2 : 1024) * sizeof(e));

        if (!more)
            return false;
        m->entry = more;
    }
    m->entry[m->entries++] = e;
    return e.key != NAMES_FAILED;
}

static int run_read(struct matching *m, u32 side, u32 run, u32 at)
{
    const struct profile *p = &m->side[side].run[run];
    AUTO(hotspots_done) struct hotspots h = { 0 };
    int r = hotspots_find(&h, p);

    for (u32 i = 0; !r && i < h.functions; i++) {
        const struct hotspot *f = &h.function[i];
        const struct profile_frame *frame = &p->frame[f->frame];
        enum hotspot_kind kind = kind_of(p, f->frame);

        if (kind == HOTSPOT_IDLE || kind == HOTSPOT_ROOT)
            continue;
        if (!entry_add(m,
                       (struct entry){ .side = side,
                                       .run = at,
                                       .frame = f->frame,
                                       .line = frame->line,
                                       .column = frame->column,
                                       .self = f->self,
                                       .total = f->total },
                       p))
            r = -ENOMEM;
    }
    if (r)
        return r;
    m->hit_ms[at] = profile_hit_ms(p);
    m->busy[at] = p->hits - h.kind[HOTSPOT_IDLE] - h.kind[HOTSPOT_ROOT];
    if (!(m->hit_ms[at] > 0) || !m->busy[at])
        return -EINVAL;
    m->c->samples[side] += p->hits;
    m->c->duration_ms[side] += (p->end_us - p->start_us) / 1000;
    m->c->busy_ms[side] += (double)m->busy[at] * m->hit_ms[at];
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->side != y->side)
        return x->side < y->side ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->run < y->run ? -1 : x->run > y->run;
}

static bool same_place(const struct entry *x, const struct entry *y)
{
    return x->line == y->line && x->column == y->column;
}

/* The n-th place from here on; NULL: there are fewer. */
static struct entry *next_place(struct entry *e, struct entry *end)
{
    struct entry *first = e;

    while (e < end && same_place(e, first))
        e++;
    return e;
}

static u32 places(struct entry *e, struct entry *end)
{
    u32 n = 0;

    for (; e < end; e = next_place(e, end))
        n++;
    return n;
}

static bool all_in(struct entry *e, struct entry *end, struct entry *in, struct entry *in_end)
{
    for (; e < end; e = next_place(e, end)) {
        while (in < in_end && !same_place(e, in) &&
               (in->line < e->line || (in->line == e->line && in->column < e->column)))
            in++;
        if (in == in_end || !same_place(e, in))
            return false;
    }
    return true;
}

static bool function_new(struct matching *m, u32 *out)
{
    struct comparison *c = m->c;

    if (c->functions == m->function_cap) {
        struct compared *more =
            realloc(c->function, (m->function_cap = m->function_cap ? m->function_cap * 2 : 256) *
                                     sizeof(*more));

        if (!more)
            return false;
        c->function = more;
    }
    c->function[c->functions] = (struct compared){ .line = { -1, -1 }, .places = 1, .adjusted = 1 };
    *out = c->functions++;
    return true;
}

static void assign(struct entry *e, struct entry *end, u32 function)
{
    for (; e < end; e++)
        e->function = function;
}

/* Both sides of one name in one file. */
static bool key_match(struct matching *m, struct entry *a, struct entry *b, struct entry *end)
{
    u32 na = places(a, b), nb = places(b, end), function;
    bool inside = na < nb ? all_in(a, b, b, end) : all_in(b, end, a, b);
    struct entry *a_end = b;

    if (na != nb && na && nb && !inside) {
        if (!function_new(m, &function))
            return false;
        m->c->function[function].places = max(na, nb);
        assign(a, end, function);
        return true;
    }
    while (a < a_end || b < end) {
        /* The earlier place of both, or both at once. */
        bool one = na != nb && a < a_end && b < end && !same_place(a, b);
        bool a_first = one && (a->line < b->line || (a->line == b->line && a->column < b->column));

        if (!function_new(m, &function))
            return false;
        if (a < a_end && (!one || a_first)) {
            struct entry *to = next_place(a, a_end);

            assign(a, to, function);
            a = to;
        }
        if (b < end && (!one || !a_first)) {
            struct entry *to = next_place(b, end);

            assign(b, to, function);
            b = to;
        }
    }
    return true;
}

static bool match(struct matching *m)
{
    struct entry *end = m->entry + m->entries;

    if (m->entries)
        qsort(m->entry, m->entries, sizeof(*m->entry), by_place);
    for (struct entry *e = m->entry, *stop, *middle; e < end; e = stop) {
        for (middle = e; middle < end && middle->key == e->key && !middle->side;)
            middle++;
        for (stop = middle; stop < end && stop->key == e->key;)
            stop++;
        if (!key_match(m, e, middle, stop))
            return false;
    }
    return true;
}

static const struct profile *profile_of(const struct matching *m, const struct entry *e)
{
    return &m->side[e->side].run[e->side ? e->run - m->side[0].runs : e->run];
}

static int fill(struct matching *m)
{
    m->self = calloc((size_t)m->c->functions * m->runs + 1, sizeof(u64));
    m->total = calloc((size_t)m->c->functions * m->runs + 1, sizeof(u64));
    if (!m->self || !m->total)
        return -ENOMEM;
    for (u32 i = 0; i < m->entries; i++) {
        const struct entry *e = &m->entry[i];
        const struct profile *p = profile_of(m, e);
        struct compared *f = &m->c->function[e->function];
        size_t at = (size_t)e->function * m->runs + e->run;

        m->self[at] += e->self;
        m->total[at] += e->total;
        f->name = profile_name(p, e->frame);
        f->file = file_of(profile_url(p, e->frame));
        f->kind = kind_of(p, e->frame);
        if (f->line[e->side] < 0)
            f->line[e->side] = e->line;
    }
    return 0;
}

static void exposures(struct matching *m, enum compare_unit unit)
{
    for (u32 side = 0, at = 0; side < 2; side++)
        for (u32 i = 0; i < m->side[side].runs; i++, at++) {
            const struct profile *p = &m->side[side].run[i];

            switch (unit) {
            case COMPARE_RUN:
                m->exposure[at] = 1 / m->hit_ms[at];
                break;
            case COMPARE_SECOND:
                m->exposure[at] = (p->end_us - p->start_us) / 1e6 / m->hit_ms[at];
                break;
            case COMPARE_BUSY:
                m->exposure[at] = (double)m->busy[at] / 100;
                break;
            }
        }
}

static double rate(const struct matching *m, const u64 *count, u32 side)
{
    u32 from = side ? m->side[0].runs : 0;
    double counts = 0, exposure = 0;

    for (u32 i = from; i < from + m->side[side].runs; i++) {
        counts += (double)count[i];
        exposure += m->exposure[i];
    }
    return counts / exposure;
}

static struct counted counted_of(const struct matching *m, const u64 *count, u32 side)
{
    u32 from = side ? m->side[0].runs : 0;

    return (struct counted){ count + from, m->exposure + from, m->side[side].runs };
}

static void rates(const struct matching *m, struct compared *f, const u64 *self, const u64 *total)
{
    for (u32 side = 0; side < 2; side++) {
        u32 from = side ? m->side[0].runs : 0;

        f->self[side] = rate(m, self, side);
        f->total[side] = rate(m, total, side);
        f->samples[side] = 0;
        for (u32 i = from; i < from + m->side[side].runs; i++)
            f->samples[side] += self[i];
    }
}

/* What became slower by most time first, what became faster by most time last but for ties. */
static int by_change(const void *a, const void *b)
{
    const struct compared *x = a, *y = b;
    double dx = x->self[1] - x->self[0], dy = y->self[1] - y->self[0];

    if ((dx >= 0) != (dy >= 0))
        return dx >= 0 ? -1 : 1;
    if (dx != dy)
        return fabs(dx) > fabs(dy) ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int test(struct matching *m, double noise)
{
    struct comparison *c = m->c;
    AUTO(freep) struct counted *side = calloc((size_t)c->functions * 2 + 1, sizeof(*side));
    AUTO(freep) double *p = calloc(c->functions + 1, sizeof(*p));
    AUTO(freep) u32 *tested = calloc(c->functions + 1, sizeof(*tested));
    struct counted all[2] = { counted_of(m, m->busy, 0), counted_of(m, m->busy, 1) };
    double scatter;

    if (!side || !p || !tested)
        return -ENOMEM;
    for (u32 i = 0; i < c->functions; i++) {
        const u64 *self = m->self + (size_t)i * m->runs;

        rates(m, &c->function[i], self, m->total + (size_t)i * m->runs);
        c->function[i].order = i;
        side[i] = counted_of(m, self, 0);
        side[c->functions + i] = counted_of(m, self, 1);
    }
    scatter = significance_scatter(side, side + c->functions, c->functions, noise);
    c->scatter = sqrt(scatter);
    rates(m, &c->total, m->busy, m->busy);
    c->total.change = significance_of(&all[0], &all[1], scatter);
    c->total.adjusted = c->total.change.p;
    for (u32 i = 0; i < c->functions; i++) {
        struct compared *f = &c->function[i];

        f->change = significance_of(&side[i], &side[c->functions + i], scatter);
        if (f->samples[0] + f->samples[1] < TESTED_LEAST)
            continue;
        p[c->tested] = f->change.p;
        tested[c->tested++] = i;
    }
    if (significance_adjust(p, c->tested))
        return -ENOMEM;
    for (u32 i = 0; i < c->tested; i++)
        c->function[tested[i]].adjusted = p[i];
    if (c->functions)
        qsort(c->function, c->functions, sizeof(*c->function), by_change);
    return 0;
}

int compare_profiles(struct comparison *c, const struct compare_side side[2],
                     enum compare_unit unit, double noise)
{
    AUTO(matching_done) struct matching m = { .side = side, .c = c };
    int r = 0;

    *c = (struct comparison){ .total = { .places = 1, .line = { -1, -1 } } };
    m.runs = side[0].runs + side[1].runs;
    m.exposure = calloc(m.runs, sizeof(double));
    m.hit_ms = calloc(m.runs, sizeof(double));
    m.busy = calloc(m.runs, sizeof(u64));
    if (!m.exposure || !m.hit_ms || !m.busy)
        return -ENOMEM;
    for (u32 s = 0, at = 0; s < 2; s++)
        for (u32 i = 0; !r && i < side[s].runs; i++)
            r = run_read(&m, s, i, at++);
    if (!r && !match(&m))
        r = -ENOMEM;
    if (!r)
        r = fill(&m);
    if (r)
        return r;
    exposures(&m, unit);
    return test(&m, noise);
}

void compare_done(struct comparison *c)
{
    free(c->function);
    *c = (struct comparison){ 0 };
}
