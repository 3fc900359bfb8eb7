/* profile/trend.c -- one row of times for each function */
#include "profile/trend.h"

#include <math.h>

struct collecting {
    struct trend *t;
    struct names keys;
    struct buf text;
    u32 runs[COMPLEXITY_POINTS_MAX];
    u32 function_cap;
};

static void collecting_done(struct collecting *c)
{
    names_done(&c->keys);
    buf_done(&c->text);
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The sizes that there are, in order. */
static void sizes_find(struct trend *t, const double *size, u32 profiles)
{
    double all[COMPLEXITY_POINTS_MAX];

    memcpy(all, size, profiles * sizeof(*all));
    qsort(all, profiles, sizeof(*all), by_number);
    for (u32 i = 0; i < profiles; i++)
        if (!i || all[i] != all[i - 1])
            t->size[t->sizes++] = all[i];
    for (u32 i = 0; i < t->sizes; i++)
        t->all[i].size = t->size[i];
    t->next = t->size[t->sizes - 1] * t->size[t->sizes - 1] / t->size[t->sizes - 2];
}

static u32 size_index(const struct trend *t, double size)
{
    u32 i = 0;

    while (t->size[i] != size)
        i++;
    return i;
}

static struct str file_of(struct str url)
{
    return str_starts(url, STR("file://")) ? str_sub(url, 7, url.len) : url;
}

static bool function_new(struct collecting *c, const struct profile *p, u32 frame,
                         enum hotspot_kind kind)
{
    struct trend *t = c->t;

    if (t->functions == c->function_cap) {
        u32 cap = c->function_cap ? c->function_cap * 2 : 256;
        struct trend_function *more = realloc(t->function, cap * sizeof(*more));
        struct complexity_point *points =
            realloc(t->point, (size_t)cap * t->sizes * sizeof(*points));

        t->function = more ? more : t->function;
        t->point = points ? points : t->point;
        if (!more || !points)
            return false;
        c->function_cap = cap;
    }
    for (u32 i = 0; i < t->sizes; i++)
        t->point[(size_t)t->functions * t->sizes + i] =
            (struct complexity_point){ .size = t->size[i] };
    t->function[t->functions++] = (struct trend_function){
        .name = profile_name(p, frame),
        .file = file_of(profile_url(p, frame)),
        .line = p->frame[frame].line,
        .column = p->frame[frame].column,
        .kind = kind,
    };
    return true;
}

/* The number of a function, new or known; NAMES_FAILED: out of memory. */
static u32 function_of(struct collecting *c, const struct profile *p, u32 frame,
                       enum hotspot_kind kind)
{
    u32 number;

    buf_clear(&c->text);
    buf_addf(&c->text, "%d:%d:", p->frame[frame].line, p->frame[frame].column);
    buf_add(&c->text, profile_name(p, frame));
    buf_addc(&c->text, '\0');
    buf_add(&c->text, file_of(profile_url(p, frame)));
    number = c->text.failed ? NAMES_FAILED : names_intern(&c->keys, buf_str(&c->text));
    if (number == c->t->functions && !function_new(c, p, frame, kind))
        return NAMES_FAILED;
    return number;
}

static int profile_add(struct collecting *c, const struct profile *p, u32 at)
{
    AUTO(hotspots_done) struct hotspots h = { 0 };
    struct trend *t = c->t;
    double hit_ms = profile_hit_ms(p);
    int r = hotspots_find(&h, p);

    if (!r && !(hit_ms > 0))
        return -EINVAL;
    c->runs[at]++;
    for (u32 i = 0; !r && i < h.functions; i++) {
        const struct hotspot *f = &h.function[i];
        struct str package;
        enum hotspot_kind kind =
            hotspots_kind(profile_name(p, f->frame), profile_url(p, f->frame), &package);
        u32 number;

        if (kind == HOTSPOT_IDLE || kind == HOTSPOT_ROOT || !f->self)
            continue;
        number = function_of(c, p, f->frame, kind);
        if (number == NAMES_FAILED)
            return -ENOMEM;
        t->point[(size_t)number * t->sizes + at].ms += (double)f->self * hit_ms;
        t->point[(size_t)number * t->sizes + at].samples += f->self;
        t->function[number].samples += f->self;
        t->all[at].ms += (double)f->self * hit_ms;
        t->all[at].samples += f->self;
    }
    return r;
}

static int by_next(const void *a, const void *b)
{
    const struct trend_function *x = a, *y = b;

    if (x->fit.next_ms != y->fit.next_ms)
        return x->fit.next_ms > y->fit.next_ms ? -1 : 1;
    if (x->samples != y->samples)
        return x->samples > y->samples ? -1 : 1;
    return x->point < y->point ? -1 : x->point > y->point;
}

int trend_find(struct trend *t, const struct profile *profile, const double *size, u32 profiles)
{
    AUTO(collecting_done) struct collecting c = { .t = t };
    int r = 0;

    *t = (struct trend){ 0 };
    sizes_find(t, size, profiles);
    for (u32 i = 0; !r && i < profiles; i++)
        r = profile_add(&c, &profile[i], size_index(t, size[i]));
    if (r)
        return r;
    for (u32 k = 0; k < t->sizes; k++)
        t->all[k].ms /= c.runs[k];
    t->fit = complexity_fit(t->all, t->sizes, t->next);
    for (u32 i = 0; i < t->functions; i++) {
        struct complexity_point *point = t->point + (size_t)i * t->sizes;

        for (u32 k = 0; k < t->sizes; k++)
            point[k].ms /= c.runs[k];
        t->function[i].point = point;
        t->function[i].fit = complexity_fit(point, t->sizes, t->next);
    }
    if (t->functions)
        qsort(t->function, t->functions, sizeof(*t->function), by_next);
    return 0;
}

void trend_done(struct trend *t)
{
    free(t->function);
    free(t->point);
    *t = (struct trend){ 0 };
}
