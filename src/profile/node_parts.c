/* profile/node_parts.c -- guesses, parts, and the seams between them */
#include "profile/node_parts.h"

#include "base/team.h"

/* Where one node ends and the next begins. No text of JSON has a quote in it, so only a list of
 * other objects with ids can look alike. */
static const struct str seam = STR("},{\"id\":");

struct part {
    struct raw_nodes nodes;
    struct profile profile;
    struct problem problem;
    const char *stop; /* where the next one begins: at a comma; NULL: it is the last */
    bool fine;
    u32 *frame; /* what its frames are in the whole */
    u32 node_at, link_at, tick_at;
};

struct parts {
    struct raw_nodes *whole;
    struct part part[TEAM_MAX];
    u32 count;
};

/* The comma of the first seam at or behind p, at most `within` bytes away. */
static const char *seam_behind(const char *p, const char *end, size_t within)
{
    const char *hit = memmem(p, min(within, (size_t)(end - p)), seam.ptr, seam.len);

    return hit ? hit + 1 : NULL;
}

/* About where the list ends: behind the last of many places that have a seam near them. */
static const char *end_guess(const char *begin, const char *end)
{
    const size_t near = 1 << 16;

    while ((size_t)(end - begin) > 4 * near) {
        const char *mid = begin + (end - begin) / 2;

        if (seam_behind(mid, end, near))
            begin = mid;
        else
            end = mid;
    }
    return end;
}

static void part_read(void *ctx, u32 index)
{
    struct part *t = &((struct parts *)ctx)->part[index];
    struct raw_nodes *r = &t->nodes;
    struct json_list l = { .any = index > 0 };

    while (!r->s.failed && !r->failed && (!t->stop || r->s.at < t->stop)) {
        if (!json_scan_element(&r->s, &l)) {
            t->fine = !t->stop && !r->s.failed;
            return;
        }
        raw_nodes_one(r, PROFILE_NONE, 0);
    }
    t->fine = !r->s.failed && !r->failed && r->s.at == t->stop;
}

/* Cuts [at, end) at seams. */
static void cut(struct parts *all, u32 members, size_t least)
{
    struct raw_nodes *r = all->whole;
    const char *end = end_guess(r->s.at, r->s.end), *begin = r->s.at;
    size_t bytes = (size_t)(end - begin);
    u32 most = (u32)min((u64)members, bytes / max(least, (size_t)1));

    for (u32 i = 0; i < max(most, 1u); i++) {
        const char *want = begin + bytes / max(most, 1u) * i;
        const char *at = i ? seam_behind(max(want, r->s.at), r->s.end, bytes) : begin;
        struct part *t = &all->part[all->count];

        if (!at || (i && at <= all->part[all->count - 1].nodes.s.at))
            continue;
        if (i)
            all->part[all->count - 1].stop = at;
        raw_nodes_init(&t->nodes, &t->profile,
                       str_make(r->s.begin, (size_t)(r->s.end - r->s.begin)), &t->problem);
        t->nodes.s.at = at;
        t->nodes.from_one = r->from_one;
        all->count++;
    }
}

/* The frames of a part become those of the whole, in the order in which they were met. */
static bool frames_join(struct raw_nodes *whole, struct part *t)
{
    const struct profile *p = &t->profile;

    t->frame = malloc((p->frames + 1ull) * sizeof(u32));
    for (u32 i = 0; t->frame && i < p->frames; i++) {
        struct profile_frame f = p->frame[i];

        f.name = names_intern(&whole->p->names, profile_name(p, i));
        f.url = names_intern(&whole->p->names, profile_url(p, i));
        t->frame[i] = frame_table_intern(&whole->frames, whole->p, f);
        if (t->frame[i] == PROFILE_NONE)
            return false;
    }
    return t->frame;
}

static bool joined(struct parts *all)
{
    struct raw_nodes *w = all->whole;
    u64 nodes = 0, links = 0, ticks = w->p->ticks;

    for (u32 i = 0; i < all->count; i++) {
        struct part *t = &all->part[i];

        if (!frames_join(w, t))
            return false;
        t->node_at = (u32)nodes;
        t->link_at = (u32)links;
        t->tick_at = (u32)ticks;
        nodes += t->nodes.count;
        links += t->nodes.links;
        ticks += t->profile.ticks;
        w->has_hits |= t->nodes.has_hits;
    }
    if (nodes > RAW_NODES_MAX || links > UINT32_MAX || ticks > UINT32_MAX)
        return false;
    w->hits_rule |= all->part[0].nodes.hits_rule;
    w->p->is_of_bytes |= all->part[0].profile.is_of_bytes;
    return raw_nodes_reserve(w, (u32)nodes, (u32)links, (u32)ticks);
}

/* Copies a part into the whole, whose arrays are large enough. */
static void part_copy(void *ctx, u32 index)
{
    struct parts *all = ctx;
    struct part *t = &all->part[index];
    struct raw_nodes *w = all->whole;

    for (u32 i = 0; i < t->nodes.count; i++) {
        struct raw_node n = t->nodes.node[i];

        n.frame = t->frame[n.frame];
        n.parent = n.parent == PROFILE_NONE ? PROFILE_NONE : n.parent + t->node_at;
        w->node[t->node_at + i] = n;
    }
    for (u32 i = 0; i < t->nodes.links; i++) {
        struct raw_link l = t->nodes.link[i];

        l.node += t->node_at;
        w->link[t->link_at + i] = l;
    }
    for (u32 i = 0; i < t->profile.ticks; i++) {
        struct profile_tick k = t->profile.tick[i];

        k.node += t->node_at;
        w->p->tick[t->tick_at + i] = k;
    }
}

static bool all_read(struct parts *all)
{
    struct raw_nodes *w = all->whole;
    const struct part *last = &all->part[all->count - 1];

    team_run(all->count, part_read, all);
    for (u32 i = 0; i < all->count; i++)
        if (!all->part[i].fine || all->part[i].nodes.counts_ids)
            return false;
    if (!joined(all)) {
        w->failed = true;
        json_scan_fail(&w->s, "there is not enough memory");
        return true;
    }
    team_run(all->count, part_copy, all);
    w->count = last->node_at + last->nodes.count;
    w->links = last->link_at + last->nodes.links;
    w->p->ticks = last->tick_at + last->profile.ticks;
    w->s.at = last->nodes.s.at;
    return true;
}

bool node_parts_read(struct raw_nodes *r, u32 members, size_t least)
{
    struct parts *all;
    bool done;

    members = min(members, (u32)TEAM_MAX);
    if (r->count || members < 2 || (size_t)(r->s.end - r->s.at) < 2 * least)
        return false;
    all = calloc(1, sizeof(*all));
    if (!all)
        return false;
    all->whole = r;
    cut(all, members, least);
    done = all->count > 1 && all_read(all);
    for (u32 i = 0; i < all->count; i++) {
        raw_nodes_done(&all->part[i].nodes);
        profile_done(&all->part[i].profile);
        free(all->part[i].frame);
    }
    free(all);
    return done;
}
