/* admin/blocks.c -- the monitor watches all event loops for turns that take too long */
#include "admin/blocks.h"

#include "admin/excerpt.h"
#include "admin/reading.h"
#include "admin/stack_fetch.h"
#include "finding/blocking.h"
#include "finding/cause.h"
#include "io/sock.h"
#include "metrics/histogram.h"
#include "shm/wire.h"

#include <fcntl.h>

enum { SAMPLE_TEXT_MAX = 4096, PATH_BYTES_MAX = 1024 };
/* No two looks at anything are closer. */
#define LOOK_LEAST_NS (2 * NS_PER_MS)
/* How long an answer of an agent is looked for at each look. */
#define ANSWER_NS (30 * NS_PER_MS)
/* A turn that still lasts is told of after four times the limit, but not before this. */
#define TELL_LEAST_NS NS_PER_S

/* One slot. */
struct loop_watch {
    struct blocking blocking;
    u32 generation, app, worker, pid;
    u64 again_ns, turns;
    u64 gc_ns; /* collections of the process, at the last look that did not find it blocked */
    u64 id;    /* of the finding that this block is counted in; 0: not yet */
    u64 told_ns;
    u64 stack_ns;   /* from its beginning until its first stack was here; 0: there is none yet */
    bool has_route; /* the request that is served is known */
    u32 connection;
    u64 kind;
    u32 samples;
    struct cause_sample sample[CAUSE_SAMPLES_MAX];
    char *text[CAUSE_SAMPLES_MAX]; /* theirs; owned */
};

struct blocks {
    struct loop *loop;
    struct timer timer;
    const struct shm *shm;
    struct found *found;
    struct journals *journals; /* NULL: nobody reads them */
    struct stack_fetch *fetch;
    int supervisor_fd;
    u64 due_ns, asked_ns;
    struct loop_watch watch[SHM_SLOTS_MAX];
    u64 count[SHM_APPS_MAX], ns[SHM_APPS_MAX];
};

static void samples_drop(struct loop_watch *w)
{
    for (u32 i = 0; i < w->samples; i++) {
        free(w->text[i]);
        w->text[i] = NULL;
    }
    w->samples = 0;
    w->id = w->stack_ns = 0;
}

/* ---- What is seen of a loop ---- */

/* Text that may lack its NUL. */
static struct str field(const char *text, size_t room)
{
    return str_make(text, strnlen(text, room));
}

/* A small file of /proc. */
static struct str proc_read(u32 pid, const char *name, char *out, size_t room)
{
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%u/task/%u/%s", pid, pid, name);
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, out, room);
    return str_make(out, n > 0 ? (size_t)n : 0);
}

/* How its main thread got on (Documentation/scheduler/sched-stats.rst): nanoseconds on a CPU, then
 * on a run queue. */
static void schedule_read(struct blocking_view *v, u32 pid)
{
    char text[96];
    struct str rest = proc_read(pid, "schedstat", text, sizeof(text));
    u64 cpu_ns, waited_ns;

    if (str_to_u64(str_cut(rest, ' ', &rest), &cpu_ns) &&
        str_to_u64(str_cut(rest, ' ', &rest), &waited_ns)) {
        v->cpu_ns = cpu_ns;
        v->waited_ns = max(waited_ns, (u64)1);
    }
}

/* proc(5): the letter behind the name in parentheses. */
static void state_read(struct blocking_view *v, u32 pid)
{
    char text[512];
    struct str stat = proc_read(pid, "stat", text, sizeof(text));
    const char *end = stat.len ? memrchr(stat.ptr, ')', stat.len) : NULL;

    if (!end || end + 2 >= stat.ptr + stat.len)
        return;
    v->stopped = end[2] == 'T' || end[2] == 't';
    v->runnable = end[2] == 'R';
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
        schedule_read(&v, w->pid);
    if (v.busy_since_ns)
        state_read(&v, w->pid);
    return v;
}

/* Whose handler runs: known when the process has one request only, which is the newest then. */
static void request_note(struct blocks *bs, u32 slot)
{
    const struct shm_slot *s = &bs->shm->slot[slot];
    struct loop_watch *w = &bs->watch[slot];

    if (w->blocking.asks > 1)
        return;
    w->has_route = atomic_load(&s->in_flight) == 1;
    w->connection = atomic_load(&s->newest_connection);
    w->kind = atomic_load(&s->newest_kind);
}

/* As its framework says it; else the kind of its path, "GET /users/:id". */
static struct str route_of(const struct blocks *bs, const struct loop_watch *w, u32 slot)
{
    const struct shm_routes *routes = &bs->shm->routes[slot];
    u32 n =
        w->connection < SHM_CONNECTIONS_MAX ? atomic_load(&bs->shm->route_of[w->connection]) : 0;

    if (!w->has_route)
        return (struct str){ 0 };
    if (w->connection && n && n < SHM_ROUTES_MAX && n < atomic_load(&routes->count))
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

/* Code that has no stack: where the kernel had its thread. */
static void native_text(struct buf *out, const struct cause_view *v)
{
    for (u32 i = 0; i < v->samples; i++) {
        const struct cause_sample *s = &v->sample[i];

        if (s->how != SHM_BLOCKED_NATIVE)
            continue;
        if (s->in_gc)
            buf_add(out, STR("collecting garbage\n"));
        else if (s->call >= 0 && s->call_name.len)
            buf_addf(out, "in native code, in the system call %.*s\n", STR_ARG(s->call_name));
        else if (s->call >= 0)
            buf_addf(out, "in native code, in the system call %d\n", s->call);
        else
            buf_add(out, STR("in native code, on a CPU\n"));
        return;
    }
}

/* Why there is no stack. The agent says the same each time; what was tried after that says more. */
static void unable_text(struct buf *out, const struct cause_view *v)
{
    struct str first = { 0 }, why = { 0 };

    for (u32 i = 0; i < v->samples; i++) {
        const struct cause_sample *s = &v->sample[i];

        if (s->how != SHM_BLOCKED_UNABLE && s->how != SHM_BLOCKED_CLOSED)
            continue;
        if (!first.len)
            first = s->text;
        if (!why.len || !str_eq(s->text, first))
            why = s->text;
    }
    if (why.len)
        buf_addf(out, "no stack: %.*s\n", STR_ARG(why));
}

/* What the finding shows: how native code was at work, then the stack. */
static void evidence_write(struct buf *out, const struct cause_view *v, const struct cause *c)
{
    native_text(out, v);
    if (!c->place.script.len)
        unable_text(out, v);
    if (v->gc_ns * 10 >= v->took_ns && v->took_ns)
        buf_addf(out, "garbage was collected for %llu %% of the time\n",
                 (unsigned long long)min(v->gc_ns * 100 / v->took_ns, (u64)100));
    if (out->len && c->text.len)
        buf_add(out, STR("called from, or just before:\n"));
    buf_add(out, c->text);
}

static void finding_make(struct blocks *bs, struct loop_watch *w, u32 slot)
{
    u64 gc_ns = gc_total_ns(&bs->shm->slot[slot]);
    u64 took_ns = w->blocking.took_ns, held_ns = w->blocking.held_ns;
    struct cause_view v = { w->sample, w->samples, took_ns > held_ns ? took_ns - held_ns : 0,
                            gc_ns > w->gc_ns ? gc_ns - w->gc_ns : 0 };
    struct stacktext_frame place = cause_place(&v);
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(buf_done) struct buf evidence = { 0 };
    struct str lines[CAUSE_LINES] = { 0 };
    char path[PATH_BYTES_MAX + 1];
    struct str file = stacktext_path(&place, path, PATH_BYTES_MAX);
    struct cause cause;

    if (file.len) {
        path[file.len] = 0;
        (void)!excerpt_read(path, place.line, CAUSE_ABOVE, lines, CAUSE_LINES, &text);
    }
    cause_judge(&cause, &v, lines);
    evidence_write(&evidence, &v, &cause);
    w->id = journals_found(&(struct journals_into){ .shm = bs->shm, .found = bs->found },
                           &(struct finding){
                               .kind = cause.kind,
                               .app = w->app,
                               .worker = w->worker,
                               .at_ns = w->blocking.since_ns,
                               .took_ns = w->blocking.took_ns,
                               .stack_ns = w->stack_ns,
                               .route = route_of(bs, w, slot),
                               .subject = cause.subject,
                               .function = cause.place.function,
                               .file = file.len ? file : cause.place.script,
                               .line = cause.place.line,
                               .column = cause.place.column,
                               .source = lines[cause.at],
                               .text = buf_str(&evidence),
                               .advice = str_of(cause.advice),
                           });
    w->told_ns = w->blocking.took_ns;
    bs->count[w->app]++;
    bs->ns[w->app] += w->told_ns;
}

/* It lasts longer than was told. */
static void finding_lengthen(struct blocks *bs, struct loop_watch *w)
{
    u64 took_ns = w->blocking.took_ns;

    found_lasts(bs->found, w->id, w->told_ns, took_ns);
    bs->ns[w->app] += took_ns > w->told_ns ? took_ns - w->told_ns : 0;
    w->told_ns = max(w->told_ns, took_ns);
}

static void block_tell(struct blocks *bs, u32 slot)
{
    struct loop_watch *w = &bs->watch[slot];

    if (w->id)
        finding_lengthen(bs, w);
    else
        finding_make(bs, w, slot);
}

/* The process in a slot is another one, or serves no more. */
static void block_drop(struct blocks *bs, u32 slot)
{
    struct loop_watch *w = &bs->watch[slot];

    if (w->blocking.since_ns)
        block_tell(bs, slot);
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
        block_tell(bs, slot);
        samples_drop(w);
        w->blocking.since_ns = 0;
        break;
    }
    w->turns = atomic_load(&s->loop.turns);
    if (!w->blocking.since_ns)
        w->gc_ns = gc_total_ns(s);
    else if (w->blocking.took_ns > max(4 * v.limit_ns, TELL_LEAST_NS) || w->id)
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

static void due(struct timer *t)
{
    struct blocks *bs = container_of(t, struct blocks, timer);
    u64 now_ns = clock_now_ns(), next_ns = now_ns + limit_least_ns(bs->shm);
    u32 used = min(atomic_load(&bs->shm->slots_used), (u32)SHM_SLOTS_MAX);

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
    bs->due_ns = max(next_ns, now_ns + LOOK_LEAST_NS);
    loop_timer(bs->loop, t, bs->due_ns, due);
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

int blocks_new(struct blocks **out, struct loop *loop, const struct shm *shm, struct found *found,
               int supervisor_fd)
{
    struct blocks *bs = calloc(1, sizeof(*bs));
    int err = bs ? stack_fetch_new(&bs->fetch, loop, fetched, bs) : -ENOMEM;

    if (err) {
        free(bs);
        return err;
    }
    bs->loop = loop;
    bs->shm = shm;
    bs->found = found;
    bs->supervisor_fd = supervisor_fd;
    bs->due_ns = clock_now_ns();
    loop_timer(loop, &bs->timer, bs->due_ns, due);
    *out = bs;
    return 0;
}

void blocks_free(struct blocks *bs)
{
    if (!bs)
        return;
    loop_timer_stop(&bs->timer);
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
