/* profile/raw_nodes.c -- reading nodes, one after the other */
#include "profile/raw_nodes.h"

enum { TREE_DEPTH_MAX = 2000 };
#define ID_UNSAID (1ull << 60) /* raw_nodes_id never says it: whole numbers of 53 bits, and -1 */

bool raw_nodes_room(void *array, u32 count, u32 *cap, size_t size)
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

/* Reads the member of a call frame, if `key` is one. */
static bool frame_member(struct raw_nodes *r, struct str key, struct profile_frame *f, bool old)
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

        if (json_scan_number(&r->s, &n))
            *to = n >= -1 && n < INT32_MAX ? (int32_t)n - old : -1;
        return true;
    }
    return false;
}

/* Ids are whole numbers; anything else is nobody's. */
u64 raw_nodes_id(double n)
{
    return n >= -9007199254740992.0 && n <= 9007199254740992.0 ? (u64)(i64)n : UINT64_MAX;
}

static u64 count_of(double n)
{
    return n > 0 && n < 9007199254740992.0 ? (u64)n : 0;
}

static void ticks_read(struct raw_nodes *r, u32 node)
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
                json_scan_number(&r->s, &line);
            else if (str_eq(key, STR("ticks")) || str_eq(key, STR("hitCount")))
                json_scan_number(&r->s, &ticks);
            else
                json_scan_skip(&r->s);
        }
        if (!count_of(ticks) || line < 0 || line > UINT32_MAX)
            continue;
        if (!raw_nodes_room(&r->p->tick, r->p->ticks, &r->tick_cap, sizeof(*r->p->tick))) {
            r->failed = true;
            return;
        }
        r->p->tick[r->p->ticks++] = (struct profile_tick){ node, (u32)line, count_of(ticks) };
    }
}

/* Ids, or, in the older form, the nodes themselves. */
static void children_read(struct raw_nodes *r, u32 node, u32 depth)
{
    struct json_list l = { 0 };

    if (!json_scan_open(&r->s, '['))
        return;
    while (json_scan_element(&r->s, &l)) {
        double id;

        if (json_scan_peek(&r->s) == '{') {
            raw_nodes_one(r, node, depth + 1);
            continue;
        }
        if (!json_scan_number(&r->s, &id))
            return;
        if (!raw_nodes_room(&r->link, r->links, &r->link_cap, sizeof(*r->link))) {
            r->failed = true;
            return;
        }
        r->link[r->links++] = (struct raw_link){ node, false, raw_nodes_id(id) };
    }
}

/* v8-profiler-next has a node's ticks in here. Returns whether it has. */
static bool call_frame_members(struct raw_nodes *r, u32 node, struct profile_frame *f)
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

static bool is_blank(const struct raw_nodes *r, const struct profile_frame *f)
{
    return f->name == r->empty && f->url == r->empty && f->line == -1 && f->column == -1;
}

static void call_frame_read(struct raw_nodes *r, u32 node, struct profile_frame *f)
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

static void parent_note(struct raw_nodes *r, u32 node)
{
    double id;

    if (!json_scan_number(&r->s, &id))
        return;
    if (!raw_nodes_room(&r->link, r->links, &r->link_cap, sizeof(*r->link)))
        r->failed = true;
    else
        r->link[r->links++] = (struct raw_link){ node, true, raw_nodes_id(id) };
}

static void node_member(struct raw_nodes *r, struct str key, u32 node, struct profile_frame *f,
                        u32 depth)
{
    double n;

    if (str_eq(key, STR("id"))) {
        if (json_scan_number(&r->s, &n))
            r->node[node].id = raw_nodes_id(n);
    } else if (str_eq(key, STR("callFrame"))) {
        call_frame_read(r, node, f);
    } else if (str_eq(key, STR("hitCount"))) {
        r->has_hits = true;
        r->hits_rule |= node == 0;
        if (json_scan_number(&r->s, &n))
            r->node[node].hits = count_of(n);
    } else if (str_eq(key, STR("selfSize"))) {
        r->has_hits = r->hits_rule = r->p->is_of_bytes = true;
        if (json_scan_number(&r->s, &n))
            r->node[node].hits = count_of(n);
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

void raw_nodes_one(struct raw_nodes *r, u32 parent, u32 depth)
{
    u32 node = r->count;
    struct profile_frame f = { r->empty, r->empty, -1, -1 };
    struct json_list l = { 0 };
    struct str key;

    if (depth > TREE_DEPTH_MAX) {
        json_scan_fail(&r->s, "calls are nested too deeply");
        return;
    }
    if (node >= RAW_NODES_MAX || !raw_nodes_room(&r->node, r->count, &r->cap, sizeof(*r->node))) {
        r->failed = true;
        json_scan_fail(&r->s, "there is not enough memory");
        return;
    }
    if (!json_scan_open(&r->s, '{'))
        return;
    r->node[r->count++] =
        (struct raw_node){ .id = ID_UNSAID, .frame = PROFILE_NONE, .parent = parent };
    while (json_scan_member(&r->s, &l, &key))
        node_member(r, key, node, &f, depth);
    if (r->node[node].id == ID_UNSAID) {
        r->node[node].id = node;
        r->counts_ids = true;
    }
    r->node[node].frame = frame_table_intern(&r->frames, r->p, f);
    r->failed |= r->node[node].frame == PROFILE_NONE;
}

void raw_nodes_init(struct raw_nodes *r, struct profile *p, struct str bytes,
                    struct problem *problem)
{
    *r = (struct raw_nodes){ .p = p };
    json_scan_init(&r->s, bytes, problem);
    r->empty = names_intern(&p->names, STR(""));
}

bool raw_nodes_reserve(struct raw_nodes *r, u32 nodes, u32 links, u32 ticks)
{
    void *node = realloc(r->node, (nodes + 1ull) * sizeof(*r->node));
    void *link = realloc(r->link, (links + 1ull) * sizeof(*r->link));
    void *tick = realloc(r->p->tick, (ticks + 1ull) * sizeof(*r->p->tick));

    r->node = node ? node : r->node;
    r->link = link ? link : r->link;
    r->p->tick = tick ? tick : r->p->tick;
    r->cap = nodes;
    r->link_cap = links;
    r->tick_cap = ticks;
    return node && link && tick;
}

void raw_nodes_done(struct raw_nodes *r)
{
    json_scan_done(&r->s);
    free(r->node);
    free(r->link);
    frame_table_done(&r->frames);
    frame_memo_done(&r->memo);
}
