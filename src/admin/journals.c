/* admin/journals.c -- the monitor reads what Node processes have to tell */
#include "admin/journals.h"

#include "admin/allocation_records.h"
#include "admin/blocks.h"
#include "admin/leak_watch.h"
#include "admin/query_records.h"
#include "admin/reading.h"
#include "base/buf.h"
#include "base/log.h"

#define SOON_NS (20 * NS_PER_MS)
/* While a writer has much to tell: a quarter of a ring at a time. */
#define AT_ONCE_NS (2 * NS_PER_MS)
#define LATER_NS (100 * NS_PER_MS)
/* How long something is expected to follow. */
#define BUSY_NS (2 * NS_PER_S)
/* In one look at one ring: a process that writes all the time does not keep us from the others. */
enum { RECORDS_MAX = 256, MANY = 40 };

static void span_take(const struct journals_into *into, const struct journals_from *from,
                      const void *payload, u32 len)
{
    char worker[16];

    if (!into->exporter)
        return;
    snprintf(worker, sizeof(worker), "%u", from->worker);
    exporter_span(into->exporter,
                  &(struct exporter_from){ .slot = from->slot,
                                           .generation = from->generation,
                                           .app = from->app,
                                           .pid = from->pid,
                                           .worker = str_of(worker) },
                  payload, len, from->now_ns);
}

/* By enum shm_record_type. */
static journals_fn *const handlers[SHM_RECORD_TYPES] = {
    [SHM_RECORD_BLOCKED] = blocks_record,
    [SHM_RECORD_SPAN] = span_take,
    [SHM_RECORD_CALLS_ROUTE] = query_records_route,
    [SHM_RECORD_CALLS_STATEMENT] = query_records_statement,
    [SHM_RECORD_CALLS_REPEATED] = query_records_repeated,
    [SHM_RECORD_CALLS_SEQUENTIAL] = query_records_sequential,
    [SHM_RECORD_CALLS_SLOW] = query_records_slow,
    [SHM_RECORD_OPENED] = leak_watch_opened,
    [SHM_RECORD_ALLOCATED] = allocation_records_take,
};

struct journals {
    struct loop *loop;
    struct timer timer;
    struct journals_into into;
    u64 at[SHM_SLOTS_MAX]; /* in each ring */
    struct journals_sums sums;
    u64 heard_ns; /* when the newest record came */
    _Alignas(8) char payload[SHM_RECORD_MAX];
};

/* News of a finding, in one line and its evidence. */
static void finding_log(const struct journals_into *into, const struct found_entry *e)
{
    const struct finding *w = &e->finding;
    struct str app = reading_app_name(into->shm, w->app), title = finding_title(w->kind);
    AUTO(buf_done) struct buf line = { 0 };

    buf_addf(&line, "%.*s: %.*s", STR_ARG(app), STR_ARG(title));
    if (w->subject.len)
        buf_addf(&line, ", %.*s", STR_ARG(w->subject));
    if (w->took_ns)
        buf_addf(&line, ", %llu ms", (unsigned long long)(w->took_ns / NS_PER_MS));
    if (w->route.len)
        buf_addf(&line, ", in %.*s", STR_ARG(w->route));
    if (w->file.len)
        buf_addf(&line, ", at %.*s:%u", STR_ARG(w->file), w->line);
    if (w->count > 1)
        buf_addf(&line, ", %llu times by now", (unsigned long long)w->count);
    buf_addf(&line, " (%.*s; `fettle findings` shows it)", STR_ARG(finding_word(w->kind)));
    if (!line.failed)
        log_warn("%.*s", STR_ARG(buf_str(&line)));
}

u64 journals_found(const struct journals_into *into, const struct finding *what)
{
    bool news;
    u64 id = found_add(into->found, what, &news);

    if (id && news)
        finding_log(into, found_get(into->found, id));
    return id;
}

/* What a record says of its writer is what the supervisor says of the slot. */
static struct journals_from from_of(const struct shm *shm, u32 slot, u64 at_ns, u64 now_ns)
{
    const struct shm_slot *s = &shm->slot[slot];
    u32 app = atomic_load(&s->app);

    return (struct journals_from){
        .slot = slot,
        .generation = atomic_load(&s->generation),
        .app = app < SHM_APPS_MAX ? app : 0,
        .worker = atomic_load(&s->worker),
        .pid = atomic_load(&s->pid),
        .at_ns = min(at_ns, now_ns),
        .now_ns = now_ns,
    };
}

static void record_take(struct journals *js, u32 slot, const struct shm_record *r, u64 now_ns)
{
    journals_fn *handler = r->type < SHM_RECORD_TYPES ? handlers[r->type] : NULL;
    struct journals_from from = from_of(js->into.shm, slot, r->at_ns, now_ns);

    if (!handler) {
        js->sums.unknown++;
        return;
    }
    js->sums.records++;
    handler(&js->into, &from, js->payload, r->len);
}

static u32 ring_read(struct journals *js, u32 slot, u64 now_ns)
{
    struct shm_journal *j = &js->into.shm->journal[slot];
    struct shm_record r;
    u32 n = 0;

    while (n < RECORDS_MAX &&
           shm_journal_get(j, &js->at[slot], &r, js->payload, &js->sums.lost_bytes)) {
        record_take(js, slot, &r, now_ns);
        n++;
    }
    if (n || js->at[slot] != atomic_load_explicit(&j->read, memory_order_relaxed))
        atomic_store_explicit(&j->read, js->at[slot], memory_order_relaxed);
    return n;
}

u32 journals_read(struct journals *js, u64 now_ns)
{
    u32 n = 0;

    for (u32 i = 0; i < shm_slots_used(js->into.shm); i++)
        n += ring_read(js, i, now_ns);
    if (n)
        js->heard_ns = now_ns;
    return n;
}

static void due(struct timer *t)
{
    struct journals *js = container_of(t, struct journals, timer);
    u64 now_ns = clock_now_ns();

    u64 pause_ns = journals_read(js, now_ns) >= MANY ? AT_ONCE_NS
                   : now_ns - js->heard_ns < BUSY_NS ? SOON_NS
                                                     : LATER_NS;

    loop_timer(js->loop, t, now_ns + pause_ns, due);
}

int journals_new(struct journals **out, struct loop *loop, const struct journals_into *into)
{
    struct journals *js = calloc(1, sizeof(*js));

    if (!js)
        return -ENOMEM;
    js->loop = loop;
    js->into = *into;
    /* What was written before a monitor came back has been told by the one before it, most likely;
     * telling it twice would count it twice. */
    for (u32 i = 0; i < shm_slots_used(into->shm); i++) {
        js->at[i] = atomic_load(&into->shm->journal[i].tail);
        atomic_store(&into->shm->journal[i].read, js->at[i]);
    }
    loop_timer(loop, &js->timer, clock_now_ns() + SOON_NS, due);
    *out = js;
    return 0;
}

void journals_free(struct journals *js)
{
    if (!js)
        return;
    loop_timer_stop(&js->timer);
    free(js);
}

struct journals_sums journals_sums(const struct journals *js)
{
    return js->sums;
}
