/* heap/leaks.c -- the leak report: from three snapshots of one process, or from one
 *
 * The last snapshot stays, the earlier ones are read, laid over it, and dropped. Where they are
 * small they are read side by side.
 */
#include "heap/leaks.h"

#include "base/pages.h"
#include "base/strings.h"
#include "base/team.h"
#include "heap/distances.h"
#include "heap/fanout.h"

enum {
    SIDE_BY_SIDE_BYTES = 256 << 20,
    LISTENERS_FEW = 10,
    SCRIPTS_MAX = 1 << 24,
    SCRIPTS_ASKED_MAX = 20000
};

/* One snapshot on its way. */
struct loading {
    const struct input *in;
    struct graph *graph;
    struct dominators *dominators;
    u32 threads;
    const struct progress_sink *progress;
    int error;
    struct problem problem;
};

struct loadings {
    struct loading one[LEAKS_SNAPSHOTS];
    struct graph graph[LEAKS_SNAPSHOTS - 1]; /* of the earlier ones */
    struct dominators dominators[LEAKS_SNAPSHOTS - 1];
};

static int dominators_of(struct graph *g, struct dominators *d)
{
    u64 bytes = (u64)g->node_count * sizeof(int32_t);
    int32_t *distance = pages_take(bytes);
    int r = distance ? distances_measure(g, distance) : -ENOMEM;

    pages_give(distance, bytes);
    if (!r)
        r = dominators_begin(d, g);
    return r ? r : dominators_finish(d, g, false);
}

static void load(struct loading *l)
{
    l->error = graph_read(l->graph, l->in, l->threads, GRAPH_WITH_IDS | GRAPH_WITH_PLACES,
                          l->progress, &l->problem);
    if (!l->error)
        l->error = dominators_of(l->graph, l->dominators);
}

static void unload(struct loading *l)
{
    dominators_done(l->dominators);
    graph_done(l->graph);
}

static void load_member(void *ctx, u32 index)
{
    load(&((struct loadings *)ctx)->one[index]);
}

/* ---- suspects ---- */

/* import() fills several tables of the loader at once; a response that waits has a socket. */
static bool is_part_of(const struct suspect *s, const struct suspect *other)
{
    if (s->kind == LEAK_MODULE)
        return other->kind == LEAK_MODULE &&
               (!s->wanted[0] || str_eq(str_of(other->wanted), str_of(s->wanted)));
    return s->holder_node == BROWSE_NONE && other->holder_node == BROWSE_NONE &&
           (s->kind == LEAK_SOCKET || s->kind == LEAK_STREAM) &&
           (other->kind == LEAK_SOCKET || other->kind == LEAK_STREAM);
}

static bool is_joined(struct leaks *out, const struct suspect *s)
{
    for (u32 i = 0; i < out->count; i++)
        if (is_part_of(s, &out->list[i])) {
            out->list[i].growth_bytes += s->growth_bytes;
            return true;
        }
    return false;
}

/* In one snapshot many things are many: what the app itself holds, and what is odd in any number.
 */
static bool is_odd(const struct suspect *s, const struct growth_holder *h)
{
    switch (s->kind) {
    case LEAK_LISTENER:
        return h->before > LISTENERS_FEW;
    case LEAK_TIMER:
    case LEAK_STREAM:
    case LEAK_ASYNC_CONTEXT:
    case LEAK_ASYNC_HOOK:
        return true;
    default:
        return s->file[0] && sources_whose(str_of(s->file)) == SOURCE_APP &&
               s->line_is != SUSPECT_LINE_CLASS;
    }
}

static int suspects_take(struct leaks *out, const struct growth_holders *holders)
{
    int r = browse_init(&out->browse, &out->graph, &out->dominators);

    if (r)
        return r;
    out->dropped = out->guess ? 0 : holders->dropped;
    for (u32 i = 0; i < holders->count; i++) {
        struct suspect *s = &out->list[out->count];

        if (out->count == LEAKS_MAX) {
            out->dropped++;
            continue;
        }
        if (!suspect_explain(&out->browse, &holders->list[i], s) || is_joined(out, s))
            continue;
        s->guess = out->guess;
        out->count += !out->guess || is_odd(s, &holders->list[i]);
    }
    return 0;
}

static int compare(struct leaks *out, struct loading *earlier, bool loaded,
                   struct growth_holders *holders)
{
    struct growth *w = NULL;
    int r = growth_new(&w, &out->graph, &out->dominators);

    for (u32 i = 0; !r && i < LEAKS_SNAPSHOTS - 1; i++) {
        if (!loaded)
            load(&earlier[i]);
        r = earlier[i].error;
        if (!r)
            r = growth_before(w, i, earlier[i].graph, earlier[i].dominators);
        unload(&earlier[i]);
    }
    if (!r)
        r = growth_find(w, holders);
    for (u32 i = 0; !r && i < LEAKS_SNAPSHOTS; i++)
        out->total_bytes[i] = growth_total_bytes(w, i);
    if (!r)
        out->by_place = growth_by_place(w);
    growth_free(w);
    return r;
}

static int find_in_three(struct leaks *out, struct loadings *all, bool side_by_side,
                         struct growth_holders *holders)
{
    struct loading *last = &all->one[LEAKS_SNAPSHOTS - 1];

    if (side_by_side)
        team_run(LEAKS_SNAPSHOTS, load_member, all);
    else
        load(last);
    return last->error ? last->error : compare(out, all->one, side_by_side, holders);
}

static int find_in_one(struct leaks *out, struct loading *only, struct growth_holders *holders)
{
    out->guess = true;
    load(only);
    if (only->error)
        return only->error;
    out->total_bytes[LEAKS_SNAPSHOTS - 1] = out->dominators.retained[out->graph.root];
    return fanout_find(&out->graph, &out->dominators, holders);
}

int leaks_find(struct leaks *out, const struct input *in, u32 count, u32 threads,
               const struct progress_sink *progress, u32 *which, struct problem *p)
{
    AUTO(freep) struct loadings *all = calloc(1, sizeof(*all));
    AUTO(freep) struct growth_holders *holders = calloc(1, sizeof(*holders));
    u64 bytes = 0;
    int r;

    assert(count == 1 || count == LEAKS_SNAPSHOTS);
    *out = (struct leaks){ 0 };
    *which = 0;
    if (!all || !holders)
        return -ENOMEM;
    for (u32 i = 0; i < count; i++)
        bytes += in[i].size;
    for (u32 i = 0; i < count; i++)
        all->one[i] = (struct loading){
            .in = &in[i],
            .graph = i + 1 == count ? &out->graph : &all->graph[i],
            .dominators = i + 1 == count ? &out->dominators : &all->dominators[i],
            .threads = count > 1 && bytes < SIDE_BY_SIDE_BYTES ? 1 : threads,
            .progress = i + 1 == count ? progress : NULL,
        };
    r = count == 1 ? find_in_one(out, &all->one[0], holders)
                   : find_in_three(out, all, bytes < SIDE_BY_SIDE_BYTES && threads > 1, holders);
    for (u32 i = 0; i < count; i++) {
        if (all->one[i].error && r == all->one[i].error) {
            *p = all->one[i].problem;
            *which = i;
        }
        if (i + 1 < count)
            unload(&all->one[i]);
    }
    return r ? r : suspects_take(out, holders);
}

void leaks_done(struct leaks *l)
{
    browse_done(&l->browse);
    dominators_done(&l->dominators);
    graph_done(&l->graph);
}

/* ---- files ---- */

void leaks_app_files(struct leaks *l, void (*each)(void *ctx, struct str file), void *ctx)
{
    const struct graph *g = &l->graph;
    u32 scripts = 0, asked = 0;
    AUTO(freep) u8 *known = NULL;
    AUTO(strings_done) struct strings files = { 0 };

    for (u32 i = 0; i < g->place_count; i++)
        scripts = max(scripts, g->places[i].script + 1);
    known = scripts && scripts < SCRIPTS_MAX ? calloc(scripts, 1) : NULL;
    for (u32 n = 0; known && n < g->node_count; n++) {
        const struct place *place = graph_type(g, n) == NODE_CLOSURE ? graph_place(g, n) : NULL;
        struct str file;

        if (!place || known[place->script])
            continue;
        file = sources_file(&l->browse, sources_of_function(&l->browse, n));
        known[place->script] = 1;
        if (++asked == SCRIPTS_ASKED_MAX)
            return;
        if (!file.len || sources_whose(file) != SOURCE_APP || strings_has(&files, file))
            continue;
        strings_add(&files, file);
        each(ctx, file);
        if (files.count == LEAKS_FILES_MAX)
            return;
    }
}
