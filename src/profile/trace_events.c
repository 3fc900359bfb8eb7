/* profile/trace_events.c -- CPU profiles within a trace */
#include "profile/trace_events.h"

#include "base/hash.h"

enum { ID_BITS = 40 }; /* of a node's id; those above say whose it is */

void trace_events_done(struct trace_events *t)
{
    free(t->sample);
    free(t->line);
    *t = (struct trace_events){ 0 };
}

/* ---- one piece of a profile ---- */

/* The id of a node in the whole. The roots of all profiles are one. */
static u64 id_in_all(const struct trace_events *t, u32 profile, u64 id)
{
    if (id == t->profile[profile].root)
        return t->root;
    return id >> ID_BITS ? UINT64_MAX : (u64)profile << ID_BITS | id;
}

/* The first node of a profile is its root. Another one's is there already: what it calls is called
 * by that. */
static void root_take(struct trace_events *t, struct raw_nodes *r, u32 profile, u32 node, u32 link)
{
    t->profile[profile].root = r->node[node].id;
    if (node == 0) {
        t->root = (u64)profile << ID_BITS | (r->node[0].id & ((1ull << ID_BITS) - 1));
        return;
    }
    r->count = node;
    for (; link < r->links; link++)
        r->link[link].node = 0;
}

static void nodes_read(struct trace_events *t, struct raw_nodes *r, u32 profile)
{
    u32 node = r->count, link = r->links;
    struct json_list l = { 0 };

    if (!json_scan_open(&r->s, '['))
        return;
    while (!r->failed && json_scan_element(&r->s, &l)) {
        u32 first = r->count;

        raw_nodes_one(r, PROFILE_NONE, 0);
        if (!r->s.failed && r->count != first + 1)
            json_scan_fail(&r->s, "a node in a trace says by numbers what it calls");
        if (!r->s.failed && t->profile[profile].root == UINT64_MAX)
            root_take(t, r, profile, first, link);
    }
    if (r->s.failed)
        return;
    for (; node < r->count; node++)
        r->node[node].id = id_in_all(t, profile, r->node[node].id);
    for (; link < r->links; link++)
        r->link[link].to = id_in_all(t, profile, r->link[link].to);
}

static void samples_read(struct trace_events *t, struct raw_nodes *r, u32 profile)
{
    struct json_list l = { 0 };
    double id;

    if (!json_scan_open(&r->s, '['))
        return;
    while (json_scan_element(&r->s, &l) && json_scan_number(&r->s, &id)) {
        if (!raw_nodes_room(&t->sample, t->samples, &t->sample_cap, sizeof(*t->sample))) {
            r->failed = true;
            return;
        }
        t->sample[t->samples++] = id_in_all(t, profile, raw_nodes_id(id));
    }
}

static void deltas_read(struct trace_events *t, struct raw_nodes *r)
{
    struct json_list l = { 0 };
    double us;

    if (!json_scan_open(&r->s, '['))
        return;
    while (json_scan_element(&r->s, &l) && json_scan_number(&r->s, &us))
        t->took_us += us;
}

/* Those of the samples that have come last: filled up with 0 before. */
static bool line_add(struct trace_events *t, u32 line)
{
    if (!raw_nodes_room(&t->line, t->lines, &t->line_cap, sizeof(*t->line)))
        return false;
    t->line[t->lines++] = line;
    return true;
}

static void lines_read(struct trace_events *t, struct raw_nodes *r, u32 from)
{
    struct json_list l = { 0 };
    double line;

    if (!json_scan_open(&r->s, '['))
        return;
    while (!r->failed && t->lines < from)
        r->failed = !line_add(t, 0);
    while (!r->failed && json_scan_element(&r->s, &l) && json_scan_number(&r->s, &line))
        r->failed = !line_add(t, line >= 1 && line <= INT32_MAX ? (u32)line : 0);
}

/* "data" of an event, and "cpuProfile" in it: each may have each. */
static void data_read(struct trace_events *t, struct raw_nodes *r, u32 profile, u32 depth)
{
    u32 from = t->samples;
    struct json_list l = { 0 };
    struct str key;

    if (json_scan_peek(&r->s) != '{') {
        json_scan_skip(&r->s);
        return;
    }
    json_scan_open(&r->s, '{');
    while (!r->failed && json_scan_member(&r->s, &l, &key)) {
        if (str_eq(key, STR("cpuProfile")) && depth == 0)
            data_read(t, r, profile, depth + 1);
        else if (str_eq(key, STR("nodes")))
            nodes_read(t, r, profile);
        else if (str_eq(key, STR("samples")))
            samples_read(t, r, profile);
        else if (str_eq(key, STR("timeDeltas")))
            deltas_read(t, r);
        else if (str_eq(key, STR("lines")))
            lines_read(t, r, from);
        else
            json_scan_skip(&r->s);
    }
}

static void args_read(struct trace_events *t, struct raw_nodes *r, u32 profile)
{
    struct json_list l = { 0 };
    struct str key;

    if (!json_scan_open(&r->s, '{'))
        return;
    while (!r->failed && json_scan_member(&r->s, &l, &key)) {
        if (str_eq(key, STR("data")))
            data_read(t, r, profile, 0);
        else
            json_scan_skip(&r->s);
    }
}

/* ---- events ---- */

/* Which profile; PROFILE_NONE: there are too many. */
static u32 profile_of(struct trace_events *t, u64 key)
{
    for (u32 i = 0; i < t->profiles; i++)
        if (t->profile[i].key == key)
            return i;
    if (t->profiles == TRACE_EVENTS_PROFILES_MAX)
        return PROFILE_NONE;
    t->profile[t->profiles].key = key;
    t->profile[t->profiles].root = UINT64_MAX;
    return t->profiles++;
}

/* The text of the next value, which is passed over. */
static struct str value_skip(struct json_scan *s)
{
    const char *begin;

    (void)json_scan_peek(s);
    begin = s->at;
    return json_scan_skip(s) ? str_make(begin, (size_t)(s->at - begin)) : (struct str){ 0 };
}

/* What an event has comes in any order: its arguments are read when its name is known. */
static void event_read(struct trace_events *t, struct raw_nodes *r)
{
    static const struct hash_key keys[] = { { 1, 2 }, { 3, 4 } };
    struct str key, args = { 0 }, name = { 0 };
    u64 process = 0, id = 0;
    struct json_list l = { 0 };
    const char *behind;
    u32 profile;

    if (!json_scan_open(&r->s, '{'))
        return;
    while (json_scan_member(&r->s, &l, &key)) {
        bool is_args = str_eq(key, STR("args")), is_name = str_eq(key, STR("name"));
        bool is_process = str_eq(key, STR("pid")), is_id = str_eq(key, STR("id"));
        struct str value = value_skip(&r->s);

        args = is_args ? value : args;
        name = is_name ? value : name;
        process = is_process ? hash_str(&keys[0], value) : process;
        id = is_id ? hash_str(&keys[1], value) : id;
    }
    if (r->s.failed || !args.len ||
        (!str_eq(name, STR("\"ProfileChunk\"")) && !str_eq(name, STR("\"CpuProfile\""))))
        return;
    profile = profile_of(t, process ^ id);
    if (profile == PROFILE_NONE) {
        json_scan_fail(&r->s, "these are too many profiles");
        return;
    }
    behind = r->s.at;
    r->s.at = args.ptr;
    args_read(t, r, profile);
    if (!r->s.failed)
        r->s.at = behind;
}

void trace_events_read(struct trace_events *t, struct raw_nodes *r)
{
    struct json_list l = { 0 };

    if (!json_scan_open(&r->s, '['))
        return;
    while (!r->failed && json_scan_element(&r->s, &l))
        event_read(t, r);
}

bool trace_events_may_begin(struct str bytes)
{
    struct str rest = str_trim(bytes), first = str_trim(str_sub(rest, 1, rest.len));

    return rest.len && rest.ptr[0] == '[' && first.len && first.ptr[0] == '{';
}

/* ---- lines ---- */

static int tick_order(const void *a, const void *b)
{
    const u64 *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

bool trace_events_ticks(const struct trace_events *t, const u32 *node, struct profile *out)
{
    u32 most = min(t->samples, t->lines), count = 0, made = out->ticks;
    u64 *tick = malloc((most + 1ull) * sizeof(*tick));
    struct profile_tick *all;

    for (u32 i = 0; tick && i < most; i++)
        if (t->line[i] && node[i] != PROFILE_NONE)
            tick[count++] = (u64)node[i] << 32 | t->line[i];
    all = tick ? realloc(out->tick, (out->ticks + count + 1ull) * sizeof(*all)) : NULL;
    if (all) {
        qsort(tick, count, sizeof(*tick), tick_order);
        out->tick = all;
        for (u32 i = 0; i < count; i++) {
            if (!i || tick[i] != tick[i - 1])
                all[made++] = (struct profile_tick){ (u32)(tick[i] >> 32), (u32)tick[i], 0 };
            all[made - 1].count++;
        }
        out->ticks = made;
    }
    free(tick);
    return all;
}
