/* admin/blocks.c -- the monitor watches all event loops for turns that take too long */
#include "admin/blocks.h"

#include "admin/blamer.h"
#include "admin/reading.h"
#include "admin/stack_fetch.h"
#include "admin/thread_state.h"
#include "admin/turn_samples.h"
#include "finding/blocking.h"
#include "io/sock.h"
#include "metrics/histogram.h"
#include "shm/wire.h"

#include <sys/timerfd.h>

/* No two looks at anything are closer. */
#define LOOK_LEAST_NS (2 * NS_PER_MS)
/* How long an answer of an agent is looked for at each look. */
#define ANSWER_NS (30 * NS_PER_MS)
/* A turn that still lasts is told of after four times the limit, but not before this. */
#define TELL_LEAST_NS NS_PER_S
/* ... and when it has no place yet, as native code, not before this. */
#define TELL_VAGUE_NS (5 * NS_PER_S)

/* One slot. */
struct loop_watch {
    struct blocking blocking;
    u32 generation, app, worker, pid;
    u64 again_ns, turns;
    u64 gc_ns;       /* collections of the process, at the last look that did not find it blocked */
    u64 gc_asked_ns; /* ... when the first stack of this block was asked for */
    u64 id;          /* of the finding that this block is counted in; 0: not yet */
    struct blaming *blaming; /* ... which is being found out about; NULL: it is not */
    u64 told_ns;
    bool has_route; /* the request that is served is known */
    u32 connection;
    u32 framework_route; /* its number in shm_routes; 0: not told yet */
    u64 kind;
    struct turn_samples samples;
    struct buf shown; /* the newest stack, in the places of its sources */
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
    struct blamer *blamer;
};

/* What was known of a turn. */
static void turn_forget(struct loop_watch *w)
{
    turn_samples_drop(&w->samples);
    buf_done(&w->shown);
    w->id = 0;
    w->blaming = NULL;
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

/* What fettle itself has had V8 do in there. */
static u64 inspected_ns(const struct shm_slot *s, u64 now_ns)
{
    u64 since_ns = atomic_load(&s->inspected_since_ns);

    return atomic_load(&s->inspected_ns) + (since_ns && since_ns < now_ns ? now_ns - since_ns : 0);
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
                               .requests = seen > before ? seen - before : 0,
                               .inspected_ns = inspected_ns(s, now_ns) };
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

/* It is known what is to blame. */
static void made(void *arg, const struct blaming *which, const struct finding *f)
{
    struct blocks *bs = arg;
    u64 id = journals_found(&(struct journals_into){ .shm = bs->shm, .found = bs->found }, f);

    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        if (bs->watch[i].blaming == which) {
            bs->watch[i].id = id;
            bs->watch[i].blaming = NULL;
        }
}

/* Collections in this turn: what its first sample says, and what has come since then; at most what
 * has come since it was seen not to be blocked. */
static u64 gc_in_turn_ns(const struct blocks *bs, const struct loop_watch *w, u32 slot)
{
    u64 now_ns = gc_total_ns(&bs->shm->slot[slot]);
    u64 before_ns = now_ns > w->gc_ns ? now_ns - w->gc_ns : 0, sampled_ns = 0;
    const struct turn_samples *s = &w->samples;

    for (u32 i = 0; i < s->count; i++)
        sampled_ns = max(sampled_ns, s->sample[i].gc_ns);
    if (!s->count)
        return before_ns;
    if (now_ns > w->gc_asked_ns)
        sampled_ns = max(sampled_ns, s->sample[0].gc_ns + (now_ns - w->gc_asked_ns));
    return max(min(before_ns, sampled_ns), s->sample[s->count - 1].gc_ns);
}

static void finding_make(struct blocks *bs, struct loop_watch *w, u32 slot)
{
    u64 took_ns = w->blocking.took_ns, held_ns = w->blocking.held_ns;
    struct blamer_case of = {
        .sample = w->samples.sample,
        .samples = w->samples.count,
        .took_ns = took_ns > held_ns ? took_ns - held_ns : 0,
        .gc_ns = gc_in_turn_ns(bs, w, slot),
        .finding = { .app = w->app,
                     .worker = w->worker,
                     .at_ns = w->blocking.since_ns,
                     .took_ns = took_ns,
                     .stack_ns = w->samples.stack_ns,
                     .route = route_of(bs, w, slot) },
    };

    w->told_ns = took_ns;
    blamer_decide(bs->blamer, &of, &w->blaming);
}

/* It lasts longer than was told. */
static void finding_lengthen(struct blocks *bs, struct loop_watch *w)
{
    u64 took_ns = w->blocking.took_ns;

    if (w->blaming)
        blaming_lasts(w->blaming, max(w->told_ns, took_ns));
    else
        found_lasts(bs->found, w->id, w->told_ns, took_ns);
    bs->ns[w->app] += took_ns > w->told_ns ? took_ns - w->told_ns : 0;
    w->told_ns = max(w->told_ns, took_ns);
}

static void block_tell(struct blocks *bs, u32 slot)
{
    struct loop_watch *w = &bs->watch[slot];

    if (w->id || w->blaming) {
        finding_lengthen(bs, w);
        return;
    }
    bs->count[w->app]++;
    bs->ns[w->app] += w->blocking.took_ns;
    finding_make(bs, w, slot);
}

/* Nobody can say what it was, and it hardly had a CPU: that was the machine. */
static bool is_starved(const struct loop_watch *w, u64 limit_ns)
{
    return !w->id && !w->blaming && !w->samples.count && w->blocking.ran_ns < limit_ns / 2;
}

/* It has ended. What was told of without a place is told anew: native code has returned. */
static void block_end(struct blocks *bs, u32 slot)
{
    struct loop_watch *w = &bs->watch[slot];
    const struct found_entry *told = w->id ? found_get(bs->found, w->id) : NULL;
    bool corrects = told && !told->finding.line && turn_samples_has_place(&w->samples);

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

    return w->id || w->blaming || took_ns > max(4 * limit_ns, TELL_VAGUE_NS) ||
           (took_ns > max(4 * limit_ns, TELL_LEAST_NS) && turn_samples_has_place(&w->samples));
}

/* The process in a slot is another one, or serves no more. */
static void block_drop(struct blocks *bs, u32 slot)
{
    struct loop_watch *w = &bs->watch[slot];

    if (w->blocking.since_ns)
        block_end(bs, slot);
    turn_forget(w);
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
        if (!is_starved(w, v.limit_ns))
            block_end(bs, slot);
        turn_forget(w);
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

static bool sample_add(struct blocks *bs, const struct journals_from *from, const void *payload,
                       u32 len)
{
    struct loop_watch *w = &bs->watch[from->slot];
    struct str text;

    if (w->generation != from->generation ||
        !turn_samples_add(&w->samples, w->blocking.since_ns, payload, len, from->at_ns,
                          from->now_ns))
        return false;
    text = w->samples.sample[w->samples.count - 1].text;
    if (text.len)
        blamer_show(bs->blamer, from->slot, w->blocking.since_ns, text);
    return true;
}

static void shown(void *arg, u32 slot, u64 since_ns, struct str text)
{
    struct loop_watch *w = &((struct blocks *)arg)->watch[slot];

    if (!w->blocking.since_ns || w->blocking.since_ns != since_ns)
        return;
    buf_clear(&w->shown);
    buf_add(&w->shown, text);
}

void blocks_record(const struct journals_into *into, const struct journals_from *from,
                   const void *payload, u32 len)
{
    if (sample_add(into->blocks, from, payload, len))
        inspector_ask(into->blocks, from, payload);
}

/* It is of the turn that was meant if that one runs still. */
static void fetched(struct stack_fetch *f, const struct stack_wanted *of,
                    const struct shm_blocked *record, u32 len)
{
    struct blocks *bs = stack_fetch_arg(f);
    u64 now_ns = clock_now_ns();

    if (atomic_load(&bs->shm->slot[of->slot].loop.busy_since_ns) == of->since_ns)
        (void)!sample_add(bs,
                          &(struct journals_from){ .slot = of->slot,
                                                   .generation = of->generation,
                                                   .pid = of->pid,
                                                   .at_ns = now_ns,
                                                   .now_ns = now_ns },
                          record, len);
}

/* ---- The rest ---- */

int blocks_new(struct blocks **out, struct loop *loop, struct shm *shm, struct found *found,
               int supervisor_fd)
{
    struct blocks *bs = calloc(1, sizeof(*bs));
    int fd, r;

    if (!bs)
        return -ENOMEM;
    r = stack_fetch_new(&bs->fetch, loop, fetched, bs);
    if (!r)
        r = blamer_new(&bs->blamer, &(struct blamer_conf){
                                        .loop = loop, .made = made, .shown = shown, .arg = bs });
    fd = r ? -1 : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (!r)
        r = fd < 0 ? -errno : loop_watch(loop, &bs->timer, fd, EPOLLIN, due);
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        blamer_free(bs->blamer);
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
    blamer_free(bs->blamer);
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        turn_forget(&bs->watch[i]);
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
                                    .text = buf_str(&w->shown) };
        return true;
    }
    return false;
}
