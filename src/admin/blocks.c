/* admin/blocks.c -- the monitor watches all event loops for turns that take too long */
#include "admin/blocks.h"

#include "admin/blame.h"
#include "admin/reading.h"
#include "admin/stack_fetch.h"
#include "admin/thread_state.h"
#include "finding/blocking.h"
#include "io/errand.h"
#include "io/sock.h"
#include "metrics/histogram.h"
#include "shm/wire.h"

#include <sys/timerfd.h>

enum { SAMPLE_TEXT_MAX = 4096 };
/* No two looks at anything are closer. */
#define LOOK_LEAST_NS (2 * NS_PER_MS)
/* How long an answer of an agent is looked for at each look. */
#define ANSWER_NS (30 * NS_PER_MS)
/* A turn that still lasts is told of after four times the limit, but not before this. */
#define TELL_LEAST_NS NS_PER_S
/* ... and when it has no place yet, as native code, not before this. */
#define TELL_VAGUE_NS (5 * NS_PER_S)
/* Source maps that nobody has asked for in this time are forgotten. */
#define MAPS_IDLE_NS (60 * NS_PER_S)

/* One slot. */
struct loop_watch {
    struct blocking blocking;
    u32 generation, app, worker, pid;
    u64 again_ns, turns;
    u64 gc_ns;       /* collections of the process, at the last look that did not find it blocked */
    u64 gc_asked_ns; /* ... when the first stack of this block was asked for */
    u64 id;          /* of the finding that this block is counted in; 0: not yet */
    struct telling *telling; /* ... which is being found out about; NULL: it is not */
    u64 told_ns;
    u64 stack_ns;   /* from its beginning until its first stack was here; 0: there is none yet */
    bool has_route; /* the request that is served is known */
    u32 connection;
    u32 framework_route; /* its number in shm_routes; 0: not told yet */
    u64 kind;
    u32 samples;
    struct cause_sample sample[CAUSE_SAMPLES_MAX];
    char *text[CAUSE_SAMPLES_MAX]; /* theirs; owned */
};

/* A finding that is being made: what is to blame is found out beside the loop. */
struct telling {
    struct errand errand;
    struct blocks *blocks;
    struct blame blame;
    struct finding finding;
    struct buf route;
    u32 slot;
};

struct blocks {
    struct watch timer; /* of a timerfd: the loop's own timers are too coarse for this */
    struct shm *shm;
    struct found *found;
    struct journals *journals; /* NULL: nobody reads them */
    struct stack_fetch *fetch;
    int supervisor_fd;
    u64 due_ns, asked_ns;
    struct loop_watch watch[SHM_SLOTS_MAX];
    u64 count[SHM_APPS_MAX], ns[SHM_APPS_MAX];
    struct errands *errands;
    struct errand maps_idle;
    struct sourcemap_cache maps; /* the errands' */
};

static void samples_drop(struct loop_watch *w)
{
    for (u32 i = 0; i < w->samples; i++) {
        free(w->text[i]);
        w->text[i] = NULL;
    }
    w->samples = 0;
    w->id = w->stack_ns = 0;
    w->telling = NULL;
}

/* ---- What is seen of a loop ---- */

/* Text that may lack its NUL. */
static struct str field(const char *text, size_t room)
{
    return str_make(text, strnlen(text, room));
}

static u64 gc_total_ns(const struct shm_slot *s)
{
    u64 sum = 0;

    for (u32 i = 0; i < SHM_GC_KINDS; i++)
        sum = u64_add(sum, atomic_load(&s->agent.gc[i].total_ns));
    return sum;
}

static struct blocking_view view_of(const struct blocks *bs, const struct loop_watch *w, u32 slot,
                                    u64 now_ns)
{
    const struct shm_slot *s = &bs->shm->slot[slot];
    u64 seen = atomic_load(&s->loop.seen), before = atomic_load(&s->loop.seen_before);
    struct blocking_view v = { .now_ns = now_ns,
                               .late_ns = now_ns > bs->due_ns ? now_ns - bs->due_ns : 0,
                               .limit_ns = atomic_load(&bs->shm->app[w->app].block_ns),
                               .busy_since_ns = atomic_load(&s->loop.busy_since_ns),
                               .long_ns = atomic_load(&s->loop.long_ns),
                               .requests = seen > before ? seen - before : 0 };
    bool moved = w->turns != atomic_load(&s->loop.turns);

    if (v.busy_since_ns || moved)
        thread_schedule_read(&v, w->pid);
    if (v.busy_since_ns)
        thread_state_read(&v, w->pid);
    return v;
}

/* Whose handler runs: known when the process has one request only, which is the newest then. */
static void request_note(struct blocks *bs, u32 slot)
{
    const struct shm_slot *s = &bs->shm->slot[slot];
    struct loop_watch *w = &bs->watch[slot];

    if (w->blocking.asks <= 1) {
        w->has_route = atomic_load(&s->in_flight) == 1;
        w->connection = atomic_load(&s->newest_connection);
        w->kind = atomic_load(&s->newest_kind);
        w->framework_route = 0;
        w->gc_asked_ns = gc_total_ns(s);
    }
    if (!w->framework_route && w->connection && w->connection < SHM_CONNECTIONS_MAX)
        w->framework_route = atomic_load(&bs->shm->route_of[w->connection]);
}

/* As its framework says it; else the kind of its path, "GET /users/:id". */
static struct str route_of(const struct blocks *bs, const struct loop_watch *w, u32 slot)
{
    const struct shm_routes *routes = &bs->shm->routes[slot];
    u32 n = w->framework_route;

    if (!w->has_route)
        return (struct str){ 0 };
    if (!n && w->connection && w->connection < SHM_CONNECTIONS_MAX)
        n = atomic_load(&bs->shm->route_of[w->connection]);
    if (n && n < SHM_ROUTES_MAX && n < atomic_load(&routes->count))
        return str_make(routes->route[n].text, min((u32)routes->route[n].len, (u32)SHM_ROUTE_MAX));
    for (u32 i = 0; w->kind > 1 && i < SHM_KINDS_MAX; i++) {
        const struct shm_kind *k = &bs->shm->kinds.kind[i];

        if (atomic_load(&k->key) == w->kind && atomic_load(&k->app) == w->app)
            return field(k->text, sizeof(k->text) - 1);
    }
    return (struct str){ 0 };
}

/* ---- What is made of it ---- */

static void stack_ask(struct blocks *bs, u32 slot, u64 now_ns)
{
    struct wire_note ask = {
        .type = WIRE_STACK, .listener = slot, .kind = bs->watch[slot].generation, .value = 1
    };

    bs->asked_ns = now_ns;
    (void)!sock_send_msg(bs->supervisor_fd, &ask, sizeof(ask), NULL, 0);
}

static void telling_free(struct telling *t)
{
    struct loop_watch *w = &t->blocks->watch[t->slot];

    if (w->telling == t)
        w->telling = NULL;
    blame_free(&t->blame);
    buf_done(&t->route);
    free(t);
}

static void telling_work(struct errand *e)
{
    struct telling *t = container_of(e, struct telling, errand);

    blame_decide(&t->blame, &t->blocks->maps);
}

/* It is known what is to blame. */
static void telling_done(struct errand *e, bool was)
{
    struct telling *t = container_of(e, struct telling, errand);
    struct blocks *bs = t->blocks;
    struct loop_watch *w = &bs->watch[t->slot];
    const struct cause *cause = &t->blame.cause;
    struct finding *f = &t->finding;
    u64 id;

    if (was) {
        f->kind = cause->kind;
        f->route = buf_str(&t->route);
        f->subject = cause->subject;
        f->function = cause->place.function;
        f->file = t->blame.file;
        f->line = cause->place.line;
        f->column = cause->place.column;
        f->source = t->blame.source;
        f->text = t->blame.evidence;
        f->advice = str_of(cause->advice);
        id = journals_found(&(struct journals_into){ .shm = bs->shm, .found = bs->found }, f);
        if (w->telling == t)
            w->id = id;
    }
    telling_free(t);
}

/* Collections in this turn: what its first sample says, and what has come since then; at most what
 * has come since it was seen not to be blocked. */
static u64 gc_in_turn_ns(const struct blocks *bs, const struct loop_watch *w, u32 slot)
{
    u64 now_ns = gc_total_ns(&bs->shm->slot[slot]);
    u64 before_ns = now_ns > w->gc_ns ? now_ns - w->gc_ns : 0, sampled_ns = 0;

    for (u32 i = 0; i < w->samples; i++)
        sampled_ns = max(sampled_ns, w->sample[i].gc_ns);
    if (!w->samples)
        return before_ns;
    if (now_ns > w->gc_asked_ns)
        sampled_ns = max(sampled_ns, w->sample[0].gc_ns + (now_ns - w->gc_asked_ns));
    return max(min(before_ns, sampled_ns), w->sample[w->samples - 1].gc_ns);
}

static void finding_make(struct blocks *bs, struct loop_watch *w, u32 slot)
{
    u64 took_ns = w->blocking.took_ns, held_ns = w->blocking.held_ns;
    struct telling *t = calloc(1, sizeof(*t));

    w->told_ns = took_ns;
    if (!t)
        return;
    *t = (struct telling){
        .errand = { .work = telling_work, .done = telling_done },
        .blocks = bs,
        .blame = { .took_ns = took_ns > held_ns ? took_ns - held_ns : 0,
                   .gc_ns = gc_in_turn_ns(bs, w, slot) },
        .finding = { .app = w->app,
                     .worker = w->worker,
                     .at_ns = w->blocking.since_ns,
                     .took_ns = took_ns,
                     .stack_ns = w->stack_ns },
        .slot = slot,
    };
    buf_add(&t->route, route_of(bs, w, slot));
    if (!blame_copy(&t->blame, w->sample, w->samples)) {
        telling_free(t);
        return;
    }
    w->telling = t;
    if (!errands_add(bs->errands, &t->errand)) {
        blame_decide(&t->blame, NULL);
        telling_done(&t->errand, true);
    }
}

/* It lasts longer than was told. */
static void finding_lengthen(struct blocks *bs, struct loop_watch *w)
{
    u64 took_ns = w->blocking.took_ns;

    if (w->telling)
        w->telling->finding.took_ns = max(w->told_ns, took_ns);
    else
        found_lasts(bs->found, w->id, w->told_ns, took_ns);
    bs->ns[w->app] += took_ns > w->told_ns ? took_ns - w->told_ns : 0;
    w->told_ns = max(w->told_ns, took_ns);
}

static void block_tell(struct blocks *bs, u32 slot)
{
    struct loop_watch *w = &bs->watch[slot];

    if (w->id || w->telling) {
        finding_lengthen(bs, w);
        return;
    }
    bs->count[w->app]++;
    bs->ns[w->app] += w->blocking.took_ns;
    finding_make(bs, w, slot);
}

static bool has_place(const struct loop_watch *w)
{
    struct cause_view v = { .sample = w->sample, .samples = w->samples };

    return cause_place(&v).script.len != 0;
}

/* It has ended. What was told of without a place is told anew: native code has returned. */
static void block_end(struct blocks *bs, u32 slot)
{
    struct loop_watch *w = &bs->watch[slot];
    const struct found_entry *told = w->id ? found_get(bs->found, w->id) : NULL;
    bool corrects = told && !told->finding.line && has_place(w);

    block_tell(bs, slot);
    if (!corrects)
        return;
    found_take_back(bs->found, w->id, w->told_ns);
    w->id = 0;
    finding_make(bs, w, slot);
}

/* It lasts, and it is time to say so. */
static bool is_to_tell(const struct loop_watch *w, u64 limit_ns)
{
    u64 took_ns = w->blocking.took_ns;

    return w->id || w->telling || took_ns > max(4 * limit_ns, TELL_VAGUE_NS) ||
           (took_ns > max(4 * limit_ns, TELL_LEAST_NS) && has_place(w));
}

/* The process in a slot is another one, or serves no more. */
static void block_drop(struct blocks *bs, u32 slot)
{
    struct loop_watch *w = &bs->watch[slot];

    if (w->blocking.since_ns)
        block_end(bs, slot);
    samples_drop(w);
    *w = (struct loop_watch){ 0 };
}

/* False: it is none to be watched. */
static bool slot_look(struct blocks *bs, u32 slot)
{
    const struct shm_slot *s = &bs->shm->slot[slot];
    struct loop_watch *w = &bs->watch[slot];
    u32 generation = atomic_load(&s->generation), app = atomic_load(&s->app);
    /* Until something has come to it once, it is starting. */
    bool serves = atomic_load(&s->state) == SHM_READY && app < SHM_APPS_MAX &&
                  atomic_load(&s->pid) && atomic_load(&s->loop.turns) > 0;

    if (!serves || (w->pid && w->generation != generation)) {
        if (w->pid)
            block_drop(bs, slot);
        return false;
    }
    if (!w->pid)
        *w = (struct loop_watch){ .generation = generation,
                                  .app = app,
                                  .worker = atomic_load(&s->worker),
                                  .pid = atomic_load(&s->pid) };
    return true;
}

static void slot_watch(struct blocks *bs, u32 slot, u64 now_ns)
{
    const struct shm_slot *s = &bs->shm->slot[slot];
    struct loop_watch *w = &bs->watch[slot];
    struct blocking_view v = view_of(bs, w, slot, now_ns);

    switch (blocking_look(&w->blocking, &v, &w->again_ns)) {
    case BLOCKING_FINE:
        break;
    case BLOCKING_ASK:
        request_note(bs, slot);
        stack_ask(bs, slot, now_ns);
        break;
    case BLOCKING_ENDED:
        if (bs->journals) /* what it has told until its end */
            journals_read(bs->journals, now_ns);
        block_end(bs, slot);
        samples_drop(w);
        w->blocking.since_ns = 0;
        break;
    }
    w->turns = atomic_load(&s->loop.turns);
    if (!w->blocking.since_ns)
        w->gc_ns = gc_total_ns(s);
    else if (is_to_tell(w, v.limit_ns))
        block_tell(bs, slot);
}

static u64 limit_least_ns(const struct shm *shm)
{
    u64 least_ns = NS_PER_S;

    for (u32 i = 0; i < reading_apps(shm); i++) {
        u64 limit_ns = atomic_load(&shm->app[i].block_ns);

        if (limit_ns && !reading_app_is_gone(shm, i))
            least_ns = min(least_ns, limit_ns);
    }
    return least_ns;
}

static void timer_set(struct blocks *bs, u64 due_ns)
{
    struct itimerspec at = { .it_value = { .tv_sec = (time_t)(due_ns / NS_PER_S),
                                           .tv_nsec = (long)(due_ns % NS_PER_S) } };

    bs->due_ns = due_ns;
    (void)!timerfd_settime(bs->timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void due(struct watch *w, u32 events)
{
    struct blocks *bs = container_of(w, struct blocks, timer);
    u64 times;

    (void)events;
    if (read(w->fd, &times, sizeof(times)) < 0)
        return;
    u64 now_ns = clock_now_ns(), next_ns = now_ns + limit_least_ns(bs->shm);
    u32 used = shm_slots_used(bs->shm);

    for (u32 i = 0; i < used; i++) {
        if (!slot_look(bs, i))
            continue;
        if (bs->watch[i].again_ns <= now_ns + LOOK_LEAST_NS / 2)
            slot_watch(bs, i, now_ns);
        next_ns = min(next_ns, bs->watch[i].again_ns);
    }
    if (bs->journals && now_ns - bs->asked_ns < ANSWER_NS) {
        journals_read(bs->journals, now_ns);
        next_ns = min(next_ns, now_ns + LOOK_LEAST_NS);
    }
    timer_set(bs, max(next_ns, now_ns + LOOK_LEAST_NS));
}

/* ---- What agents say ---- */

/* V8 cannot be asked in there; its inspector can, when the thread does not sit in the kernel. */
static void inspector_ask(struct blocks *bs, const struct journals_from *from,
                          const struct shm_blocked *r)
{
    if (r->how == SHM_BLOCKED_UNABLE && r->call < 0)
        stack_fetch_begin(bs->fetch,
                          &(struct stack_wanted){ from->slot, from->generation,
                                                  bs->watch[from->slot].pid, r->since_ns },
                          from->now_ns);
}

static void sample_add(struct blocks *bs, const struct journals_from *from, const void *payload,
                       u32 len)
{
    struct loop_watch *w = &bs->watch[from->slot];
    const struct shm_blocked *r = payload;
    struct cause_sample *to;
    u32 text_len;
    char *text;

    if (len < sizeof(*r) || r->how >= SHM_BLOCKED_HOWS || w->generation != from->generation ||
        !w->blocking.since_ns || r->since_ns != w->blocking.since_ns ||
        w->samples == CAUSE_SAMPLES_MAX)
        return;
    text_len = min(r->text_len, len - (u32)sizeof(*r));
    text_len = min(text_len, (u32)SAMPLE_TEXT_MAX);
    text = malloc(text_len + sizeof(r->call_name) + sizeof(r->channel) + 1);
    if (!text)
        return;
    memcpy(text, r + 1, text_len);
    memcpy(text + text_len, r->call_name, sizeof(r->call_name));
    memcpy(text + text_len + sizeof(r->call_name), r->channel, sizeof(r->channel));
    to = &w->sample[w->samples];
    w->text[w->samples++] = text;
    *to = (struct cause_sample){
        .how = r->how,
        .in_gc = r->in_gc,
        .at_ns = from->at_ns > r->since_ns ? from->at_ns - r->since_ns : 0,
        .gc_ns = r->gc_ns,
        .call = r->call,
        .call_name = field(text + text_len, sizeof(r->call_name)),
        .channel = field(text + text_len + sizeof(r->call_name), sizeof(r->channel)),
        .text = str_make(text, text_len),
    };
    if (text_len && !w->stack_ns && from->now_ns > r->since_ns)
        w->stack_ns = from->now_ns - r->since_ns;
}

void blocks_record(const struct journals_into *into, const struct journals_from *from,
                   const void *payload, u32 len)
{
    struct blocks *bs = into->blocks;
    u32 before = bs->watch[from->slot].samples;

    sample_add(bs, from, payload, len);
    if (bs->watch[from->slot].samples != before)
        inspector_ask(bs, from, payload);
}

/* It is of the turn that was meant if that one runs still. */
static void fetched(struct stack_fetch *f, const struct stack_wanted *of,
                    const struct shm_blocked *record, u32 len)
{
    struct blocks *bs = stack_fetch_arg(f);
    u64 now_ns = clock_now_ns();

    if (atomic_load(&bs->shm->slot[of->slot].loop.busy_since_ns) == of->since_ns)
        sample_add(bs,
                   &(struct journals_from){ .slot = of->slot,
                                            .generation = of->generation,
                                            .pid = of->pid,
                                            .at_ns = now_ns,
                                            .now_ns = now_ns },
                   record, len);
}

/* ---- The rest ---- */

static void maps_forget(struct errand *e)
{
    sourcemap_cache_done(&container_of(e, struct blocks, maps_idle)->maps);
}

int blocks_new(struct blocks **out, struct loop *loop, struct shm *shm, struct found *found,
               int supervisor_fd)
{
    struct blocks *bs = calloc(1, sizeof(*bs));
    int fd, r;

    if (!bs)
        return -ENOMEM;
    bs->maps = (struct sourcemap_cache){ .bytes_max = BLAME_MAPS_BYTES_MAX,
                                         .file_bytes_max = BLAME_FILE_BYTES_MAX,
                                         .mappings_max = BLAME_MAPPINGS_MAX,
                                         .follows = true };
    bs->maps_idle.work = maps_forget;
    r = stack_fetch_new(&bs->fetch, loop, fetched, bs);
    if (!r)
        r = errands_new(&bs->errands, loop, &bs->maps_idle, MAPS_IDLE_NS);
    fd = r ? -1 : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (!r)
        r = fd < 0 ? -errno : loop_watch(loop, &bs->timer, fd, EPOLLIN, due);
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        errands_free(bs->errands);
        stack_fetch_free(bs->fetch);
        free(bs);
        return r;
    }
    bs->shm = shm;
    bs->found = found;
    bs->supervisor_fd = supervisor_fd;
    timer_set(bs, clock_now_ns());
    *out = bs;
    return 0;
}

void blocks_free(struct blocks *bs)
{
    if (!bs)
        return;
    int fd = bs->timer.fd;

    loop_unwatch(&bs->timer);
    close(fd);
    errands_free(bs->errands);
    sourcemap_cache_done(&bs->maps);
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        samples_drop(&bs->watch[i]);
    stack_fetch_free(bs->fetch);
    free(bs);
}

void blocks_journals(struct blocks *bs, struct journals *js)
{
    bs->journals = js;
}

u64 blocks_count(const struct blocks *bs, u32 app)
{
    return app < SHM_APPS_MAX ? bs->count[app] : 0;
}

u64 blocks_ns(const struct blocks *bs, u32 app)
{
    return app < SHM_APPS_MAX ? bs->ns[app] : 0;
}

bool blocks_each(const struct blocks *bs, u32 *slot, struct blocks_now *out)
{
    while (*slot < SHM_SLOTS_MAX) {
        const struct loop_watch *w = &bs->watch[(*slot)++];

        if (!w->blocking.since_ns)
            continue;
        *out = (struct blocks_now){ .slot = *slot - 1,
                                    .app = w->app,
                                    .worker = w->worker,
                                    .pid = w->pid,
                                    .since_ns = w->blocking.since_ns,
                                    .took_ns = w->blocking.took_ns,
                                    .text = w->samples ? w->sample[w->samples - 1].text
                                                       : (struct str){ 0 } };
        return true;
    }
    return false;
}
