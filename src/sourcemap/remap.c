/* sourcemap/remap.c -- script by script, and in each from its beginning to its end */
#include "sourcemap/remap.h"

struct remapping {
    struct profile *p;
    struct sourcemap_cache *cache;
    struct profile_frame *was; /* [frames] */
    u32 *order;                /* frames by script and place */
    u32 *becomes;              /* [frames]: of those that are left, which one */
    bool *is_mapped;           /* [frames] */
};

static int by_number(u64 a, u64 b)
{
    return a < b ? -1 : a > b;
}

static int by_place(const void *a, const void *b, void *arg)
{
    const struct profile_frame *f = arg, *x = &f[*(const u32 *)a], *y = &f[*(const u32 *)b];
    int r = by_number(x->url, y->url);

    r = r ? r : by_number((u32)x->line, (u32)y->line);
    r = r ? r : by_number((u32)x->column, (u32)y->column);
    r = r ? r : by_number(x->name, y->name);
    return r ? r : by_number(*(const u32 *)a, *(const u32 *)b);
}

static void order(struct remapping *r)
{
    for (u32 i = 0; i < r->p->frames; i++)
        r->order[i] = i;
    qsort_r(r->order, r->p->frames, sizeof(u32), by_place, r->p->frame);
}

static bool frame_map(struct remapping *r, u32 i)
{
    struct profile_frame *f = &r->p->frame[i];
    struct str name = names_text(&r->p->names, f->name), url = names_text(&r->p->names, f->url);
    struct sourcemap_place at;

    if (!url.len || f->line < 0 || f->column < 0 ||
        !sourcemap_cache_function(r->cache, url, (u32)f->line, (u32)f->column, name, &at))
        return true;
    r->is_mapped[i] = true;
    f->line = (int32_t)min(at.line, (u32)INT32_MAX);
    f->column = (int32_t)min(at.column, (u32)INT32_MAX);
    f->url = names_intern(&r->p->names, at.source);
    if (at.name.len)
        f->name = names_intern(&r->p->names, at.name);
    return f->url != NAMES_FAILED && f->name != NAMES_FAILED;
}

/* A line on which samples were. Only the line is known: a function that begins on it is what was
 * meant, else what comes first on it. */
static bool tick_map(struct remapping *r, u32 i)
{
    struct profile_tick *t = &r->p->tick[i];
    u32 frame = r->p->node[t->node].frame, url = r->p->frame[frame].url;
    const struct profile_frame *was = &r->was[frame];
    struct sourcemap_place at;

    r->p->tick_url[i] = url;
    if (!t->line)
        return true;
    if (t->line - 1 == (u32)was->line ||
        !sourcemap_cache_line(r->cache, names_text(&r->p->names, was->url), t->line - 1, &at)) {
        if (r->is_mapped[frame])
            t->line = (u32)r->p->frame[frame].line + 1;
        return true;
    }
    t->line = at.line + 1;
    r->p->tick_url[i] = names_intern(&r->p->names, at.source);
    return r->p->tick_url[i] != NAMES_FAILED;
}

/* Those that are the same now stand side by side in the order. */
static void frames_merge(struct remapping *r)
{
    struct profile *p = r->p;
    struct profile_frame *kept = r->was; /* no longer needed */
    u32 count = 0;

    order(r);
    for (u32 i = 0; i < p->frames; i++) {
        const struct profile_frame *f = &p->frame[r->order[i]];

        if (!count || memcmp(&kept[count - 1], f, sizeof(*f)) != 0)
            kept[count++] = *f;
        r->becomes[r->order[i]] = count - 1;
    }
    for (u32 i = 0; i < p->nodes; i++)
        p->node[i].frame = r->becomes[p->node[i].frame];
    memcpy(p->frame, kept, count * sizeof(*kept));
    p->frames = count;
}

static int run(struct remapping *r)
{
    struct profile *p = r->p;
    u64 room = p->frames + 1ull;

    r->was = malloc(room * sizeof(*r->was));
    r->order = malloc(room * sizeof(u32));
    r->becomes = malloc(room * sizeof(u32));
    r->is_mapped = calloc(room, sizeof(bool));
    p->tick_url = malloc((p->ticks + 1ull) * sizeof(u32));
    if (!r->was || !r->order || !r->becomes || !r->is_mapped || !p->tick_url)
        return -ENOMEM;
    if (p->frames)
        memcpy(r->was, p->frame, p->frames * sizeof(*r->was));
    order(r);
    for (u32 i = 0; i < p->frames; i++)
        if (!frame_map(r, r->order[i]))
            return -ENOMEM;
    for (u32 i = 0; i < p->ticks; i++)
        if (!tick_map(r, i))
            return -ENOMEM;
    return 0;
}

int remap_profile(struct profile *p, struct sourcemap_cache *c, u32 *mapped)
{
    struct remapping r = { .p = p, .cache = c };
    int err = run(&r);
    u32 count = 0;

    for (u32 i = 0; !err && i < p->frames; i++)
        count += r.is_mapped[i];
    if (!err && count)
        frames_merge(&r);
    if (mapped)
        *mapped = count;
    free(r.was);
    free(r.order);
    free(r.becomes);
    free(r.is_mapped);
    return err;
}
