/* admin/leak_watch.c -- the monitor watches for sockets, timers, files and children that pile up */
#include "admin/leak_watch.h"

#include "admin/census.h"
#include "admin/reading.h"
#include "base/buf.h"
#include "finding/handle_leak.h"
#include "finding/opened.h"

#define ANSWER_NS (5 * NS_PER_S) /* an answer may be late by so much */

static const struct {
    enum finding_kind finding;
    const char *what;
} kinds[SHM_OPENED_KINDS] = {
    [SHM_OPENED_SOCKETS] = { FINDING_SOCKET_LEAK, "sockets" },
    [SHM_OPENED_TIMERS] = { FINDING_TIMER_LEAK, "timers" },
    [SHM_OPENED_FILES] = { FINDING_FD_LEAK, "descriptors" },
    [SHM_OPENED_CHILDREN] = { FINDING_CHILD_LEAK, "child processes" },
};

/* A kind of one process's. */
struct series {
    struct handle_leak leak;
    u64 asked_ns; /* when the process was asked who opens them; 0: it was not */
    char *answer; /* owned; NULL: there is none yet */
    u32 answer_len;
    u64 leaks_ns; /* since when it is sure; 0: it is not */
    struct handle_growth growth;
};

struct track {
    u32 generation, pid;
    u64 census_ns; /* when the newest was taken; 0: there is none */
    struct census census;
    struct series series[SHM_OPENED_KINDS];
};

struct leak_watch {
    u64 after_ns;
    struct track *track[SHM_SLOTS_MAX]; /* owned; NULL for a slot that nobody has */
};

int leak_watch_new(struct leak_watch **out, u64 after_ns)
{
    struct leak_watch *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->after_ns = after_ns;
    *out = w;
    return 0;
}

static void series_forget(struct series *s)
{
    free(s->answer);
    s->answer = NULL;
    s->asked_ns = 0;
    s->leaks_ns = 0;
}

static void track_free(struct track *t)
{
    for (u32 i = 0; t && i < SHM_OPENED_KINDS; i++)
        series_forget(&t->series[i]);
    free(t);
}

void leak_watch_free(struct leak_watch *w)
{
    for (u32 i = 0; w && i < SHM_SLOTS_MAX; i++)
        track_free(w->track[i]);
    free(w);
}

/* NULL: nothing runs there, or out of memory. */
static struct track *track_get(struct leak_watch *w, const struct reading *r)
{
    struct track *t = w->track[r->slot];

    if (t && (!reading_alive(r) || t->generation != r->generation || t->pid != r->pid)) {
        track_free(t);
        t = w->track[r->slot] = NULL;
    }
    if (t || !reading_alive(r) || !r->has_agent)
        return t;
    t = w->track[r->slot] = calloc(1, sizeof(*t));
    if (t) {
        t->generation = r->generation;
        t->pid = r->pid;
    }
    return t;
}

static u64 resources(const struct reading *r, const char *type)
{
    for (u32 i = 0; i < r->resources; i++)
        if (strcmp(r->resource[i].type, type) == 0)
            return r->resource[i].count;
    return 0;
}

/* How many there are of a kind. A child's input and outputs are sockets, and not counted as such.
 */
static u64 count_of(const struct track *t, const struct reading *r, enum shm_opened_kind kind)
{
    u64 children = t->census_ns ? t->census.children : resources(r, "ProcessWrap");
    u64 sockets = t->census_ns ? t->census.sockets
                               : resources(r, "TCPSocketWrap") + resources(r, "PipeWrap") +
                                     resources(r, "UDPWrap");

    switch (kind) {
    case SHM_OPENED_SOCKETS:
        return sockets > 3 * children ? sockets - 3 * children : 0;
    case SHM_OPENED_TIMERS:
        return resources(r, "Timeout");
    case SHM_OPENED_FILES:
        return t->census.files;
    case SHM_OPENED_CHILDREN:
        return children;
    case SHM_OPENED_NONE:
    case SHM_OPENED_KINDS:
        break;
    }
    return 0;
}

/* Asks about all that is suspected and has no answer yet: the word holds only the newest question.
 */
static void ask(struct leak_watch *w, struct track *t, struct shm_slot *slot,
                enum shm_opened_kind kind, u64 now_ns)
{
    u64 for_ns = w->after_ns / HANDLE_LEAK_CONFIRM * 4 / 5;
    u32 mask = 0;

    series_forget(&t->series[kind]);
    t->series[kind].asked_ns = now_ns;
    for (u32 i = SHM_OPENED_NONE + 1; i < SHM_OPENED_KINDS; i++)
        if (t->series[i].asked_ns && !t->series[i].answer)
            mask |= 1u << i;
    slot->opened_wanted = shm_opened_wanted(mask, (u32)min(max(for_ns / NS_PER_S, 1ull), 3600ull),
                                            (slot->opened_wanted >> 16) + 1);
}

static void duration_write(struct buf *out, u64 ns)
{
    u64 s = ns / NS_PER_S;

    if (s < 120)
        buf_addf(out, "%llu s", (unsigned long long)s);
    else
        buf_addf(out, "%llu min", (unsigned long long)(s / 60));
}

static void evidence_write(struct buf *out, const char *what, const struct handle_growth *g,
                           const struct opened *o)
{
    buf_addf(out, "%llu %s became %llu in ", (unsigned long long)g->from, what,
             (unsigned long long)g->to);
    duration_write(out, g->over_ns);
    buf_addf(out, "; at this rate %llu more each hour\n", (unsigned long long)g->per_hour);
    for (u32 i = 0; i < o->places; i++) {
        const struct opened_place *p = &o->place[i];

        buf_addf(out, "%llu of %llu that were opened here within %u s are still there:\n%.*s\n",
                 (unsigned long long)p->alive, (unsigned long long)p->opened, o->seconds,
                 STR_ARG(p->stack));
    }
}

/* Timers that end by themselves, only later than anybody has waited, are a cache's or a session's.
 */
static bool is_expiring(const struct opened *o)
{
    return o->kind == SHM_OPENED_TIMERS && o->expiring * 2 > o->alive;
}

static void tell(const struct journals_into *into, const struct reading *r, struct series *s,
                 enum shm_opened_kind kind, u64 now_ns)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct finding f = {
        .kind = kinds[kind].finding,
        .app = r->app,
        .worker = r->worker,
        .at_ns = now_ns,
    };
    struct opened o = { 0 };

    if (s->answer && !opened_read(&o, s->answer, s->answer_len))
        o = (struct opened){ 0 };
    if (is_expiring(&o))
        return;
    if (o.places) {
        f.function = o.place[0].function;
        f.file = o.place[0].file;
        f.line = o.place[0].line;
        f.column = o.place[0].column;
    }
    evidence_write(&text, kinds[kind].what, &s->growth, &o);
    f.text = buf_str(&text);
    if (!text.failed)
        journals_found(into, &f);
}

static void series_tick(struct leak_watch *w, struct track *t, struct shm_slot *slot,
                        const struct reading *r, enum shm_opened_kind kind,
                        const struct journals_into *into, u64 now_ns)
{
    struct series *s = &t->series[kind];
    u64 load = r->in_flight + r->streams;

    switch (
        handle_leak_add(&s->leak, w->after_ns, now_ns, count_of(t, r, kind), load, &s->growth)) {
    case HANDLES_FINE:
        break;
    case HANDLES_SUSPECT:
        ask(w, t, slot, kind, now_ns);
        break;
    case HANDLES_LEAK:
        s->leaks_ns = now_ns;
        break;
    case HANDLES_ENDED:
        series_forget(s);
        break;
    }
    if (s->leaks_ns && (!s->asked_ns || s->answer || now_ns - s->leaks_ns > ANSWER_NS)) {
        tell(into, r, s, kind, now_ns);
        series_forget(s);
    }
}

static void slot_tick(struct leak_watch *w, struct shm *shm, u32 index,
                      const struct journals_into *into, u64 now_ns)
{
    u64 pause_ns = w->after_ns / HANDLE_LEAK_WINDOWS / 3; /* three in each window */
    struct reading r;
    struct track *t;

    reading_take(&r, shm, index, now_ns);
    t = track_get(w, &r);
    if (!t)
        return;
    if ((t->census_ns == 0 || now_ns - t->census_ns >= pause_ns) &&
        census_read(&t->census, r.pid) == 0)
        t->census_ns = now_ns;
    for (u32 kind = SHM_OPENED_NONE + 1; kind < SHM_OPENED_KINDS; kind++)
        series_tick(w, t, &shm->slot[index], &r, (enum shm_opened_kind)kind, into, now_ns);
}

u64 leak_watch_pause_ns(const struct leak_watch *w)
{
    return w->after_ns ? min(w->after_ns / HANDLE_LEAK_WINDOWS / 2, NS_PER_S) : NS_PER_S;
}

void leak_watch_tick(struct leak_watch *w, struct shm *shm, const struct journals_into *into,
                     u64 now_ns)
{
    u32 used = shm_slots_used(shm);

    for (u32 i = 0; w->after_ns && i < used; i++)
        slot_tick(w, shm, i, into, now_ns);
}

void leak_watch_opened(const struct journals_into *into, const struct journals_from *from,
                       const void *payload, u32 len)
{
    struct track *t = into->leaks ? into->leaks->track[from->slot] : NULL;
    struct opened o;
    struct series *s;

    if (!t || t->generation != from->generation || !opened_read(&o, payload, len))
        return;
    s = &t->series[o.kind];
    if (!s->asked_ns || s->answer)
        return;
    s->answer = malloc(len);
    if (!s->answer)
        return;
    memcpy(s->answer, payload, len);
    s->answer_len = len;
}
