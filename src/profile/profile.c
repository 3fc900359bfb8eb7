/* profile/profile.c -- reading .cpuprofile and .heapprofile */
#include "profile/profile.h"

#include "profile/frame_memo.h"
#include "profile/frame_table.h"
#include "profile/json_scan.h"
#include "profile/v8log.h"

enum { NODES_MAX = 1 << 28, TREE_DEPTH_MAX = 2000 };

/* A node as the file has it. */
struct raw {
    u64 id;
    u32 frame;
    u32 parent; /* index, once it is known */
    u64 hits;
};

/* The file's order, which may have children before their parents. */
struct reading {
    struct json_scan s;
    struct profile *p;
    struct raw *raw;
    u32 raws, raw_cap;
    struct link {
        u32 node; /* index */
        bool up;  /* to its parent, or to a child */
        u64 to;   /* id */
    } * link;
    u32 links, link_cap;
    struct frame_table frames;
    struct frame_memo memo;
    u32 empty; /* the number of "" */
    u32 tick_cap;
    u32 *id_slot, id_slots; /* 1 + index of a raw node */
    u64 *sample;            /* ids, when nodes have no hit counts */
    u32 samples, sample_cap;
    bool has_hits;  /* a node has a hit count … */
    bool hits_rule; /* … and the first one does: samples are not needed */
    bool from_one;  /* v8-profiler's: lines and columns count from 1 everywhere */
    bool failed;
};

static bool room(void *array, u32 count, u32 *cap, size_t size)
{
    void *bigger;
    u32 more = *cap ? *cap * 2 : 256;

    if (count < *cap)
        return true;
    bigger = more > *cap ? realloc(*(void **)array, more * size) : NULL;
    if (!bigger)
        return false;
    *(void **)array = bigger;
    *cap = more;
    return true;
}

static u64 mix(u64 x)
{
    x *= 0x9e3779b97f4a7c15ull;
    return x ^ x >> 29;
}

static bool number(struct reading *r, double *out)
{
    return json_scan_number(&r->s, out);
}

/* Reads the member of a call frame, if `key` is one. */
static bool frame_member(struct reading *r, struct str key, struct profile_frame *f, bool old)
{
    struct str text;
    double n;

    if (str_eq(key, STR("functionName")) || str_eq(key, STR("url"))) {
        u32 *to = key.ptr[0] == 'u' ? &f->url : &f->name;

        if (json_scan_text(&r->s, &text))
            *to = names_intern(&r->p->names, text);
        return true;
    }
    if (str_eq(key, STR("lineNumber")) || str_eq(key, STR("columnNumber"))) {
        int32_t *to = key.ptr[0] == 'l' ? &f->line : &f->column;

        if (number(r, &n))
            *to = n >= -1 && n < INT32_MAX ? (int32_t)n - old : -1;
        return true;
    }
    return false;
}

/* Ids are whole numbers; anything else is nobody's. */
static u64 id_of(double n)
{
    return n >= -9007199254740992.0 && n <= 9007199254740992.0 ? (u64)(i64)n : UINT64_MAX;
}

static u64 count_of(double n)
{
    return n > 0 && n < 9007199254740992.0 ? (u64)n : 0;
}

static void ticks_read(struct reading *r, u32 node)
{
    struct json_list all = { 0 };

    if (!json_scan_open(&r->s, '['))
        return;
    while (json_scan_element(&r->s, &all)) {
        struct json_list l = { 0 };
        double line = 0, ticks = 0;
        struct str key;

        if (!json_scan_open(&r->s, '{'))
            return;
        while (json_scan_member(&r->s, &l, &key)) {
            if (str_eq(key, STR("line")))
                number(r, &line);
            else if (str_eq(key, STR("ticks")) || str_eq(key, STR("hitCount")))
                number(r, &ticks);
            else
                json_scan_skip(&r->s);
        }
        if (!count_of(ticks) || line < 0 || line > UINT32_MAX)
            continue;
        if (!room(&r->p->tick, r->p->ticks, &r->tick_cap, sizeof(*r->p->tick))) {
            r->failed = true;
            return;
        }
        r->p->tick[r->p->ticks++] = (struct profile_tick){ node, (u32)line, count_of(ticks) };
    }
}

static void node_read(struct reading *r, u32 parent, u32 depth);

/* Ids, or, in the older form, the nodes themselves. */
static void children_read(struct reading *r, u32 node, u32 depth)
{
    struct json_list l = { 0 };

    if (!json_scan_open(&r->s, '['))
        return;
    while (json_scan_element(&r->s, &l)) {
        double id;

        if (json_scan_peek(&r->s) == '{') {
            node_read(r, node, depth + 1);
            continue;
        }
        if (!number(r, &id))
            return;
        if (!room(&r->link, r->links, &r->link_cap, sizeof(*r->link))) {
            r->failed = true;
            return;
        }
        r->link[r->links++] = (struct link){ node, false, id_of(id) };
    }
}

/* v8-profiler-next has a node's ticks in here. Returns whether it has. */
static bool call_frame_members(struct reading *r, u32 node, struct profile_frame *f)
{
    struct json_list l = { 0 };
    struct str key;
    bool ticks = false;

    if (!json_scan_open(&r->s, '{'))
        return false;
    while (json_scan_member(&r->s, &l, &key)) {
        if (r->from_one && str_eq(key, STR("lineTicks"))) {
            ticks_read(r, node);
            ticks = true;
        } else if (!frame_member(r, key, f, r->from_one)) {
            json_scan_skip(&r->s);
        }
    }
    return ticks;
}

static bool is_blank(const struct reading *r, const struct profile_frame *f)
{
    return f->name == r->empty && f->url == r->empty && f->line == -1 && f->column == -1;
}

static void call_frame_read(struct reading *r, u32 node, struct profile_frame *f)
{
    struct str text = json_scan_flat(&r->s);
    const struct profile_frame *known =
        text.len && is_blank(r, f) ? frame_memo_find(&r->memo, text) : NULL;
    bool fresh = text.len && is_blank(r, f), ticks;

    if (known) {
        *f = *known;
        r->s.at += text.len;
        return;
    }
    ticks = call_frame_members(r, node, f);
    if (fresh && !ticks && !r->s.failed && r->s.at == text.ptr + text.len)
        frame_memo_add(&r->memo, text, *f);
}

static void parent_note(struct reading *r, u32 node)
{
    double id;

    if (!number(r, &id))
        return;
    if (!room(&r->link, r->links, &r->link_cap, sizeof(*r->link)))
        r->failed = true;
    else
        r->link[r->links++] = (struct link){ node, true, id_of(id) };
}

static void node_member(struct reading *r, struct str key, u32 node, struct profile_frame *f,
                        u32 depth)
{
    double n;

    if (str_eq(key, STR("id"))) {
        if (number(r, &n))
            r->raw[node].id = id_of(n);
    } else if (str_eq(key, STR("callFrame"))) {
        call_frame_read(r, node, f);
    } else if (str_eq(key, STR("hitCount"))) {
        r->has_hits = true;
        r->hits_rule |= node == 0;
        if (number(r, &n))
            r->raw[node].hits = count_of(n);
    } else if (str_eq(key, STR("selfSize"))) {
        r->has_hits = r->hits_rule = r->p->is_of_bytes = true;
        if (number(r, &n))
            r->raw[node].hits = count_of(n);
    } else if (str_eq(key, STR("children"))) {
        children_read(r, node, depth);
    } else if (str_eq(key, STR("parent"))) {
        parent_note(r, node);
    } else if (str_eq(key, STR("positionTicks")) || str_eq(key, STR("lineTicks"))) {
        ticks_read(r, node);
    } else if (!frame_member(r, key, f, true)) {
        json_scan_skip(&r->s);
    }
}

static void node_read(struct reading *r, u32 parent, u32 depth)
{
    u32 node = r->raws;
    struct profile_frame f = { r->empty, r->empty, -1, -1 };
    struct json_list l = { 0 };
    struct str key;

    if (depth > TREE_DEPTH_MAX) {
        json_scan_fail(&r->s, "calls are nested too deeply");
        return;
    }
    if (node >= NODES_MAX || !room(&r->raw, r->raws, &r->raw_cap, sizeof(*r->raw))) {
        r->failed = true;
        json_scan_fail(&r->s, "there is not enough memory");
        return;
    }
    if (!json_scan_open(&r->s, '{'))
        return;
    r->raw[r->raws++] = (struct raw){ .id = node, .frame = PROFILE_NONE, .parent = parent };
    while (json_scan_member(&r->s, &l, &key))
        node_member(r, key, node, &f, depth);
    r->raw[node].frame = frame_table_intern(&r->frames, r->p, f);
    r->failed |= r->raw[node].frame == PROFILE_NONE;
}

static void nodes_read(struct reading *r)
{
    struct json_list l = { 0 };

    if (json_scan_open(&r->s, '['))
        while (json_scan_element(&r->s, &l))
            node_read(r, PROFILE_NONE, 0);
}

static void samples_read(struct reading *r)
{
    struct json_list l = { 0 };
    double id;

    if (!json_scan_open(&r->s, '['))
        return;
    while (json_scan_element(&r->s, &l)) {
        if (json_scan_peek(&r->s) == '{') { /* of allocations: nodes have their sums */
            json_scan_skip(&r->s);
            continue;
        }
        if (!number(r, &id))
            return;
        if (!room(&r->sample, r->samples, &r->sample_cap, sizeof(*r->sample))) {
            r->failed = true;
            return;
        }
        r->sample[r->samples++] = id_of(id);
    }
}

static void document_read(struct reading *r)
{
    struct json_list l = { 0 };
    bool old = false;
    struct str key;

    if (json_scan_peek(&r->s) && json_scan_peek(&r->s) != '{')
        json_scan_fail(&r->s, "neither a profile nor a log of node --prof begins like this");
    if (!json_scan_open(&r->s, '{'))
        return;
    while (json_scan_member(&r->s, &l, &key)) {
        if (str_eq(key, STR("nodes"))) {
            nodes_read(r);
        } else if (str_eq(key, STR("head"))) {
            old = true;
            node_read(r, PROFILE_NONE, 0);
        } else if (str_eq(key, STR("typeId"))) {
            r->from_one = true;
            json_scan_skip(&r->s);
        } else if (str_eq(key, STR("startTime"))) {
            number(r, &r->p->start_us);
        } else if (str_eq(key, STR("endTime"))) {
            number(r, &r->p->end_us);
        } else if (str_eq(key, STR("samples")) && !r->hits_rule) {
            samples_read(r);
        } else {
            json_scan_skip(&r->s);
        }
    }
    if (old) { /* seconds */
        r->p->start_us *= 1e6;
        r->p->end_us *= 1e6;
    }
    if (!r->s.failed)
        json_scan_end(&r->s);
}

/* The index of the last node with this id, or PROFILE_NONE. */
static u32 node_of(const struct reading *r, u64 id)
{
    for (u32 at = (u32)mix(id) & (r->id_slots - 1); r->id_slot[at];
         at = (at + 1) & (r->id_slots - 1))
        if (r->raw[r->id_slot[at] - 1].id == id)
            return r->id_slot[at] - 1;
    return PROFILE_NONE;
}

static bool ids_index(struct reading *r)
{
    u32 slots = 16;

    while (slots < r->raws * 2)
        slots *= 2;
    r->id_slots = slots;
    r->id_slot = calloc(slots, sizeof(u32));
    for (u32 i = r->raws; r->id_slot && i-- > 0;) {
        u32 at = (u32)mix(r->raw[i].id) & (slots - 1);

        while (r->id_slot[at] && r->raw[r->id_slot[at] - 1].id != r->raw[i].id)
            at = (at + 1) & (slots - 1);
        if (!r->id_slot[at])
            r->id_slot[at] = i + 1;
    }
    return r->id_slot;
}

static int links_resolve(struct reading *r, struct problem *p)
{
    for (u32 i = 0; i < r->links; i++) {
        const struct link *l = &r->link[i];
        u32 other = node_of(r, l->to), child = l->up ? l->node : other;
        u32 parent = l->up ? other : l->node;

        if (other == PROFILE_NONE)
            return problem_set(p, "node %llu refers to node %llu, which is not there",
                               (unsigned long long)r->raw[l->node].id, (unsigned long long)l->to);
        if (!child || (r->raw[child].parent != PROFILE_NONE && r->raw[child].parent != parent))
            return problem_set(
                p, "node %llu has two parents, or is the root and has one: nodes make no tree",
                (unsigned long long)r->raw[child].id);
        r->raw[child].parent = parent;
    }
    /* What nobody calls hangs on the root. */
    for (u32 i = 1; i < r->raws; i++)
        if (r->raw[i].parent == PROFILE_NONE)
            r->raw[i].parent = 0;
    return 0;
}

/* Whether samples are counted is for the first node to say, as in DevTools; but a file that has
 * counts in other nodes and no samples is taken at its word. */
static int hits_count(struct reading *r, struct problem *p)
{
    if (r->hits_rule || (r->has_hits && !r->samples))
        return 0;
    for (u32 i = 0; i < r->raws; i++)
        r->raw[i].hits = 0;
    if (!r->samples)
        return problem_set(p,
                           "there are neither \"hitCount\" nor \"samples\": nothing was sampled");
    for (u32 i = 0; i < r->samples; i++) {
        u32 node = node_of(r, r->sample[i]);

        if (node != PROFILE_NONE)
            r->raw[node].hits++;
    }
    return 0;
}

/* Nodes in an order that has parents first: those that hang on no chain to the root are no tree. */
static int order(struct reading *r, struct problem *p)
{
    u32 n = r->raws, out = 0;
    u32 *place = malloc((n + 1) * sizeof(u32)), *way = malloc((n + 1) * sizeof(u32));
    struct profile_node *node = malloc((n + 1) * sizeof(*node));
    int err = place && way && node ? 0 : -ENOMEM;

    for (u32 i = 0; !err && i < n; i++)
        place[i] = PROFILE_NONE;
    for (u32 i = 0; !err && i < n; i++) {
        u32 depth = 0;

        for (u32 at = i; at != PROFILE_NONE && place[at] == PROFILE_NONE && depth <= n;
             at = r->raw[at].parent)
            way[depth++] = at;
        if (depth > n) {
            err = problem_set(p, "node %llu is above itself: nodes make no tree",
                              (unsigned long long)r->raw[i].id);
            break;
        }
        while (depth) {
            const struct raw *raw = &r->raw[way[--depth]];
            u32 parent = raw->parent == PROFILE_NONE ? PROFILE_NONE : place[raw->parent];

            node[out] = (struct profile_node){ parent, raw->frame, raw->hits };
            place[way[depth]] = out++;
        }
    }
    for (u32 i = 0; !err && i < r->p->ticks; i++)
        r->p->tick[i].node = place[r->p->tick[i].node];
    free(place);
    free(way);
    r->p->node = node;
    r->p->nodes = err ? 0 : out;
    return err;
}

static int finish(struct reading *r, struct problem *p)
{
    int err;

    if (!r->raws)
        return problem_set(p, "there is no \"nodes\": this is no profile");
    if (!ids_index(r))
        return -ENOMEM;
    err = links_resolve(r, p);
    if (!err)
        err = hits_count(r, p);
    if (!err)
        err = order(r, p);
    for (u32 i = 0; !err && i < r->p->nodes; i++)
        r->p->hits += r->p->node[i].hits;
    return err;
}

int profile_read(struct profile *out, struct str bytes, struct problem *p)
{
    struct reading r = { .p = out };
    int err;

    if (v8log_is(bytes))
        return v8log_read(out, bytes, p);
    *out = (struct profile){ 0 };
    json_scan_init(&r.s, bytes, p);
    r.empty = names_intern(&out->names, STR(""));
    document_read(&r);
    err = r.failed ? -ENOMEM : r.s.failed ? -EINVAL : finish(&r, p);
    json_scan_done(&r.s);
    free(r.raw);
    free(r.link);
    frame_table_done(&r.frames);
    frame_memo_done(&r.memo);
    free(r.id_slot);
    free(r.sample);
    return err;
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
