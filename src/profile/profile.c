/* profile/profile.c -- reading .cpuprofile and .heapprofile, and those within traces */
#include "profile/profile.h"

#include "base/team.h"
#include "profile/node_parts.h"
#include "profile/trace_events.h"
#include "profile/v8log.h"

struct reading {
    struct raw_nodes n;
    const struct profile_conf *conf;
    u32 *id_index; /* 1 + index of the last node with this id, of ids below id_end */
    u64 id_end;
    u32 *id_slot, id_slots; /* 1 + index of a node; in their place when ids are large */
    u64 *sample;            /* ids, when nodes have no hit counts */
    u32 samples, sample_cap;
    struct trace_events trace;
    bool is_trace;
};

static void nodes_read(struct reading *r)
{
    struct raw_nodes *n = &r->n;
    struct json_list l = { 0 };

    if (!json_scan_open(&n->s, '[') || node_parts_read(n, r->conf->threads, r->conf->part_bytes))
        return;
    while (json_scan_element(&n->s, &l))
        raw_nodes_one(n, PROFILE_NONE, 0);
}

static void samples_read(struct reading *r)
{
    struct json_list l = { 0 };
    double id;

    if (!json_scan_open(&r->n.s, '['))
        return;
    while (json_scan_element(&r->n.s, &l)) {
        if (json_scan_peek(&r->n.s) == '{') { /* of allocations: nodes have their sums */
            json_scan_skip(&r->n.s);
            continue;
        }
        if (!json_scan_number(&r->n.s, &id))
            return;
        if (!raw_nodes_room(&r->sample, r->samples, &r->sample_cap, sizeof(*r->sample))) {
            r->n.failed = true;
            return;
        }
        r->sample[r->samples++] = raw_nodes_id(id);
    }
}

/* Its samples count, whatever its nodes say. */
static void trace_read(struct reading *r)
{
    struct trace_events *t = &r->trace;

    r->is_trace = true;
    trace_events_read(t, &r->n);
    r->n.hits_rule &= !t->samples;
    free(r->sample);
    r->sample = TAKE(t->sample, NULL);
    r->samples = t->samples;
    r->n.p->end_us = t->took_us;
}

static void document_read(struct reading *r, struct str bytes)
{
    struct json_list l = { 0 };
    bool old = false;
    struct str key;

    if (trace_events_may_begin(bytes)) {
        trace_read(r);
        if (!r->n.s.failed)
            json_scan_end(&r->n.s);
        return;
    }
    if (json_scan_peek(&r->n.s) && json_scan_peek(&r->n.s) != '{')
        json_scan_fail(&r->n.s, "neither a profile nor a log of node --prof begins like this");
    if (!json_scan_open(&r->n.s, '{'))
        return;
    while (json_scan_member(&r->n.s, &l, &key)) {
        if (str_eq(key, STR("traceEvents")) && !r->is_trace) {
            trace_read(r);
        } else if (r->is_trace) {
            json_scan_skip(&r->n.s);
        } else if (str_eq(key, STR("nodes"))) {
            nodes_read(r);
        } else if (str_eq(key, STR("head"))) {
            old = true;
            raw_nodes_one(&r->n, PROFILE_NONE, 0);
        } else if (str_eq(key, STR("typeId"))) {
            r->n.from_one = true;
            json_scan_skip(&r->n.s);
        } else if (str_eq(key, STR("startTime"))) {
            json_scan_number(&r->n.s, &r->n.p->start_us);
        } else if (str_eq(key, STR("endTime"))) {
            json_scan_number(&r->n.s, &r->n.p->end_us);
        } else if (str_eq(key, STR("samples")) && !r->n.hits_rule) {
            samples_read(r);
        } else {
            json_scan_skip(&r->n.s);
        }
    }
    if (old) { /* seconds */
        r->n.p->start_us *= 1e6;
        r->n.p->end_us *= 1e6;
    }
    if (!r->n.s.failed)
        json_scan_end(&r->n.s);
}

static u64 mix(u64 x)
{
    x *= 0x9e3779b97f4a7c15ull;
    return x ^ x >> 29;
}

/* The index of the last node with this id, or PROFILE_NONE. */
static u32 node_of(const struct reading *r, u64 id)
{
    if (r->id_index)
        return id < r->id_end ? r->id_index[id] - 1 : PROFILE_NONE;
    for (u32 at = (u32)mix(id) & (r->id_slots - 1); r->id_slot[at];
         at = (at + 1) & (r->id_slots - 1))
        if (r->n.node[r->id_slot[at] - 1].id == id)
            return r->id_slot[at] - 1;
    return PROFILE_NONE;
}

static bool ids_hash(struct reading *r)
{
    u32 slots = 16;

    while (slots < r->n.count * 2)
        slots *= 2;
    r->id_slots = slots;
    r->id_slot = calloc(slots, sizeof(u32));
    for (u32 i = r->n.count; r->id_slot && i-- > 0;) {
        u32 at = (u32)mix(r->n.node[i].id) & (slots - 1);

        while (r->id_slot[at] && r->n.node[r->id_slot[at] - 1].id != r->n.node[i].id)
            at = (at + 1) & (slots - 1);
        if (!r->id_slot[at])
            r->id_slot[at] = i + 1;
    }
    return r->id_slot;
}

/* V8 counts ids from 1. */
static bool ids_index(struct reading *r)
{
    u64 most = 0;

    for (u32 i = 0; i < r->n.count; i++)
        most = max(most, r->n.node[i].id);
    if (most > 4ull * r->n.count + 1024)
        return ids_hash(r);
    r->id_end = most + 1;
    r->id_index = calloc(r->id_end, sizeof(u32));
    for (u32 i = 0; r->id_index && i < r->n.count; i++)
        r->id_index[r->n.node[i].id] = i + 1;
    return r->id_index;
}

static int links_resolve(struct reading *r, struct problem *p)
{
    for (u32 i = 0; i < r->n.links; i++) {
        const struct raw_link *l = &r->n.link[i];
        u32 other = node_of(r, l->to), child = l->up ? l->node : other;
        u32 parent = l->up ? other : l->node;

        if (other == PROFILE_NONE)
            return problem_set(p, "node %llu refers to node %llu, which is not there",
                               (unsigned long long)r->n.node[l->node].id,
                               (unsigned long long)l->to);
        if (!child ||
            (r->n.node[child].parent != PROFILE_NONE && r->n.node[child].parent != parent))
            return problem_set(
                p, "node %llu has two parents, or is the root and has one: nodes make no tree",
                (unsigned long long)r->n.node[child].id);
        r->n.node[child].parent = parent;
    }
    /* What nobody calls hangs on the root. */
    for (u32 i = 1; i < r->n.count; i++)
        if (r->n.node[i].parent == PROFILE_NONE)
            r->n.node[i].parent = 0;
    return 0;
}

/* Whether samples are counted is for the first node to say, as in DevTools; but a file that has
 * counts in other nodes and no samples is taken at its word. */
static int hits_count(struct reading *r, struct problem *p)
{
    if (r->n.hits_rule || (r->n.has_hits && !r->samples))
        return 0;
    for (u32 i = 0; i < r->n.count; i++)
        r->n.node[i].hits = 0;
    if (!r->samples)
        return problem_set(p,
                           "there are neither \"hitCount\" nor \"samples\": nothing was sampled");
    for (u32 i = 0; i < r->samples; i++) {
        u32 node = node_of(r, r->sample[i]);

        if (node != PROFILE_NONE)
            r->n.node[node].hits++;
    }
    return 0;
}

/* The lines of a trace's samples. */
static int lines_count(struct reading *r)
{
    u32 *node = r->trace.lines ? malloc((r->samples + 1ull) * sizeof(*node)) : NULL;
    bool fine = node || !r->trace.lines;

    for (u32 i = 0; node && i < r->samples; i++)
        node[i] = node_of(r, r->sample[i]);
    if (node)
        fine = trace_events_ticks(&r->trace, node, r->n.p);
    free(node);
    return fine ? 0 : -ENOMEM;
}

/* Whether all parents stand before their children, as V8 writes them. */
static bool is_ordered(const struct reading *r)
{
    for (u32 i = 0; i < r->n.count; i++)
        if (r->n.node[i].parent != PROFILE_NONE && r->n.node[i].parent >= i)
            return false;
    return true;
}

static int ordered_take(struct reading *r)
{
    u32 n = r->n.count;
    struct profile_node *node = malloc((n + 1ull) * sizeof(*node));

    for (u32 i = 0; node && i < n; i++)
        node[i] =
            (struct profile_node){ r->n.node[i].parent, r->n.node[i].frame, r->n.node[i].hits };
    r->n.p->node = node;
    r->n.p->nodes = node ? n : 0;
    return node ? 0 : -ENOMEM;
}

/* Nodes in an order that has parents first: those that hang on no chain to the root are no tree. */
static int order(struct reading *r, struct problem *p)
{
    u32 n = r->n.count, out = 0;
    u32 *place = malloc((n + 1) * sizeof(u32)), *way = malloc((n + 1) * sizeof(u32));
    struct profile_node *node = malloc((n + 1) * sizeof(*node));
    int err = place && way && node ? 0 : -ENOMEM;

    for (u32 i = 0; !err && i < n; i++)
        place[i] = PROFILE_NONE;
    for (u32 i = 0; !err && i < n; i++) {
        u32 depth = 0;

        for (u32 at = i; at != PROFILE_NONE && place[at] == PROFILE_NONE && depth <= n;
             at = r->n.node[at].parent)
            way[depth++] = at;
        if (depth > n) {
            err = problem_set(p, "node %llu is above itself: nodes make no tree",
                              (unsigned long long)r->n.node[i].id);
            break;
        }
        while (depth) {
            const struct raw_node *raw = &r->n.node[way[--depth]];
            u32 parent = raw->parent == PROFILE_NONE ? PROFILE_NONE : place[raw->parent];

            node[out] = (struct profile_node){ parent, raw->frame, raw->hits };
            place[way[depth]] = out++;
        }
    }
    for (u32 i = 0; !err && i < r->n.p->ticks; i++)
        r->n.p->tick[i].node = place[r->n.p->tick[i].node];
    free(place);
    free(way);
    r->n.p->node = node;
    r->n.p->nodes = err ? 0 : out;
    return err;
}

static int finish(struct reading *r, struct problem *p)
{
    int err;

    if (!r->n.count && r->is_trace)
        return problem_set(p, "there is no CPU profile in this trace");
    if (!r->n.count)
        return problem_set(p, "there is no \"nodes\": this is no profile");
    if (!ids_index(r))
        return -ENOMEM;
    err = links_resolve(r, p);
    if (!err)
        err = hits_count(r, p);
    if (!err)
        err = lines_count(r);
    if (!err)
        err = is_ordered(r) ? ordered_take(r) : order(r, p);
    for (u32 i = 0; !err && i < r->n.p->nodes; i++)
        r->n.p->hits += r->n.p->node[i].hits;
    return err;
}

int profile_read_by(struct profile *out, struct str bytes, const struct profile_conf *conf,
                    struct problem *p)
{
    struct reading r = { .conf = conf };
    int err;

    if (v8log_is(bytes))
        return v8log_read(out, bytes, p);
    *out = (struct profile){ 0 };
    raw_nodes_init(&r.n, out, bytes, p);
    document_read(&r, bytes);
    err = r.n.failed ? -ENOMEM : r.n.s.failed ? -EINVAL : finish(&r, p);
    raw_nodes_done(&r.n);
    free(r.id_index);
    free(r.id_slot);
    free(r.sample);
    trace_events_done(&r.trace);
    return err;
}

int profile_read(struct profile *out, struct str bytes, struct problem *p)
{
    const struct profile_conf conf = { team_cpus(), NODE_PARTS_LEAST };

    return profile_read_by(out, bytes, &conf, p);
}

void profile_done(struct profile *profile)
{
    names_done(&profile->names);
    free(profile->frame);
    free(profile->node);
    free(profile->tick);
    free(profile->tick_url);
    *profile = (struct profile){ 0 };
}

double profile_hit_ms(const struct profile *p)
{
    return p->hits ? (p->end_us - p->start_us) / 1000 / (double)p->hits : 0;
}
