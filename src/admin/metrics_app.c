/* admin/metrics_app.c -- what the app itself measures, with perf_hooks
 *
 * The only families that an app can make large: 512 names a process. They come last, and a page
 * that has no room for them goes out without them and says so.
 */
#include "admin/measures.h"
#include "admin/metrics_page.h"

#include "metrics/histogram.h"

enum { ROOM_AFTER = 512 }; /* for what is written behind them */

/* Those of each process, one after the other. */
struct names {
    struct measure *all;
    u32 first[SHM_SLOTS_MAX + 1]; /* of worker i of the source: all[first[i]] … all[first[i + 1]] */
};

static u32 names_there(const struct shm *shm, const struct reading *r)
{
    u32 n = atomic_load_explicit(&shm->measures[r->slot].count, memory_order_relaxed);

    return metrics_has(r, METRICS_AGENT) ? min(n, (u32)SHM_MEASURES_MAX) : 0;
}

/* -ENOMEM. A process that finds another name meanwhile shows it in the next page. */
static int names_read(struct names *n, const struct metrics_source *src)
{
    const struct shm *shm = src->page->shm;
    size_t room = SHM_MEASURES_MAX; /* each is read into as much, and then takes what it needs */

    for (u32 i = 0; i < src->workers; i++)
        room += names_there(shm, &src->worker[i]);
    n->all = malloc(room * sizeof(*n->all));
    if (!n->all)
        return -ENOMEM;
    for (u32 i = 0; i < src->workers; i++) {
        u32 got = 0;

        if (names_there(shm, &src->worker[i]) && room - n->first[i] >= SHM_MEASURES_MAX)
            got = measures_read(shm, src->worker[i].slot, n->all + n->first[i]);
        n->first[i + 1] = n->first[i] + got;
    }
    return 0;
}

#define NAME_LABELS(r, m) LABELS(METRICS_WORKER(r), { "name", str_of((m)->name) })

static void durations(struct text *t, const struct metrics_source *src, const struct names *n,
                      enum shm_measure_kind kind)
{
    u64 cumulative[SHM_SERIES_LE + 1];

    for (u32 i = 0; i < src->workers; i++)
        for (const struct measure *m = n->all + n->first[i]; m < n->all + n->first[i + 1]; m++) {
            if (m->kind != kind)
                continue;
            histogram_cumulate(m->bucket, tally_le_ns, SHM_SERIES_LE, tally_le_ns, SHM_SERIES_LE,
                               cumulative);
            text_histogram(t, NAME_LABELS(&src->worker[i], m), tally_le_ns, SHM_SERIES_LE,
                           cumulative, m->sum_ns);
        }
}

static void marks(struct text *t, const struct metrics_source *src, const struct names *n)
{
    for (u32 i = 0; i < src->workers; i++)
        for (const struct measure *m = n->all + n->first[i]; m < n->all + n->first[i + 1]; m++)
            if (m->kind == SHM_MARK)
                text_u64(t, NAME_LABELS(&src->worker[i], m), m->count);
}

static void families(struct text *t, const struct metrics_source *src, const struct names *n)
{
    text_family(t, "fettle_app_measure_seconds", TEXT_HISTOGRAM,
                "Durations that the app has measured with performance.measure(), by name.");
    durations(t, src, n, SHM_MEASURE);
    text_family(t, "fettle_app_function_seconds", TEXT_HISTOGRAM,
                "Durations of functions that the app has timed with performance.timerify().");
    durations(t, src, n, SHM_FUNCTION);
    text_family(t, "fettle_app_marks_total", TEXT_COUNTER,
                "Marks that the app has set with performance.mark(), by name.");
    marks(t, src, n);
}

void metrics_app(struct text *t, const struct metrics_source *src)
{
    struct names n = { 0 };
    struct buf *out = t->out;
    size_t before = out->len, most = out->bytes_max;
    u32 left_out = 0;

    if (out->failed)
        return;
    if (names_read(&n, src) < 0) {
        out->failed = true;
        return;
    }
    if (most)
        out->bytes_max = most > ROOM_AFTER ? most - ROOM_AFTER : 1;
    families(t, src, &n);
    out->bytes_max = most;
    if (out->failed) {
        out->failed = false;
        out->len = before;
        left_out = n.first[src->workers];
        families(t, src, &(struct names){ .all = n.all });
    }
    text_family(t, "fettle_app_names_left_out", TEXT_GAUGE,
                "Names of fettle_app_… that this page had no room for.");
    text_u64(t, NO_LABELS, left_out);
    free(n.all);
}
