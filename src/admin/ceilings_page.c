/* admin/ceilings_page.c -- /api/concurrency: ceilings, and what waits; their metrics */
#include "admin/ceilings.h"

#include "base/json.h"

static const char *const priority_name[] = SHM_PRIORITY_TEXTS;

static struct str place_of(const struct shm_ceiling *c)
{
    return str_make(c->place, min(c->place_len, (u32)SHM_CEILING_PLACE_MAX));
}

/* The next one that there is, from *i on; NULL: none. */
static const struct shm_ceiling *next(const struct shm *shm, u32 *i)
{
    while (*i < SHM_CEILINGS_MAX) {
        const struct shm_ceiling *c = &shm->concurrency.ceiling[(*i)++];

        if (atomic_load(&c->state) == SHM_CEILING_FILLED &&
            (atomic_load(&c->fixed) || atomic_load(&c->adaptive)) && c->app < reading_apps(shm) &&
            !reading_app_is_gone(shm, c->app))
            return c;
    }
    return NULL;
}

static void number(struct buf *out, const char *name, u64 n)
{
    json_key(out, name);
    json_u64(out, n);
}

static void number_or_null(struct buf *out, const char *name, u64 n)
{
    json_key(out, name);
    if (n)
        json_u64(out, n);
    else
        buf_add(out, STR("null"));
}

static void ceiling_write(struct buf *out, const struct shm *shm, const struct shm_ceiling *c)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_name(shm, c->app));
    json_key(out, "place");
    json_text(out, place_of(c));
    number_or_null(out, "max", atomic_load(&c->fixed));
    json_key(out, "adaptive");
    buf_add(out, atomic_load(&c->adaptive) ? STR("true") : STR("false"));
    number_or_null(out, "limit", atomic_load(&c->limit));
    number(out, "in_flight", atomic_load(&c->in_flight));
    number(out, "idle", atomic_load(&c->idle));
    number(out, "waiting", atomic_load(&c->parked));
    number(out, "waited", atomic_load(&c->parked_total));
    number(out, "shed", atomic_load(&c->shed));
    number(out, "limited", atomic_load(&c->limited));
    number(out, "usual_us", atomic_load(&c->usual_ns) / 1000);
    number(out, "now_us", atomic_load(&c->now_ns) / 1000);
    buf_addc(out, '}');
}

static void priorities_write(struct buf *out, const char *name, const u64 n[SHM_PRIORITIES])
{
    json_key(out, name);
    buf_addc(out, '{');
    for (u32 k = 0; k < SHM_PRIORITIES; k++)
        number(out, priority_name[k], n[k]);
    buf_addc(out, '}');
}

static void app_write(struct buf *out, const struct shm *shm, u32 app, u64 now_ns)
{
    const struct shm_waiting *w = &shm->concurrency.app[app];
    u64 since_ns = atomic_load(&w->overloaded_ns), waiting[SHM_PRIORITIES], shed[SHM_PRIORITIES];

    for (u32 k = 0; k < SHM_PRIORITIES; k++) {
        waiting[k] = atomic_load(&w->waiting[k]);
        shed[k] = atomic_load(&w->shed[k]);
    }
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_name(shm, app));
    json_key(out, "overloaded");
    buf_add(out, since_ns ? STR("true") : STR("false"));
    number(out, "overloaded_ms",
           since_ns && now_ns > since_ns ? (now_ns - since_ns) / NS_PER_MS : 0);
    number(out, "overloads", atomic_load(&w->overloads));
    priorities_write(out, "waiting", waiting);
    priorities_write(out, "shed", shed);
    buf_addc(out, '}');
}

void page_ceilings(struct buf *out, const struct page_source *src)
{
    const struct shm_ceiling *c;

    buf_addc(out, '{');
    json_key(out, "apps");
    buf_addc(out, '[');
    for (u32 i = 0; i < reading_apps(src->shm); i++)
        if (!reading_app_is_gone(src->shm, i))
            app_write(out, src->shm, i, src->now_ns);
    buf_addc(out, ']');
    json_key(out, "ceilings");
    buf_addc(out, '[');
    for (u32 i = 0; (c = next(src->shm, &i));)
        ceiling_write(out, src->shm, c);
    buf_add(out, STR("]}\n"));
}

/* ---- metrics ---- */

static void by_priority(struct text *t, const struct shm *shm, bool shed)
{
    for (u32 i = 0; i < reading_apps(shm); i++)
        for (u32 k = 0; k < SHM_PRIORITIES && !reading_app_is_gone(shm, i); k++)
            text_u64(t,
                     LABELS({ "app", reading_app_name(shm, i) },
                            { "priority", str_of(priority_name[k]) }),
                     shed ? atomic_load(&shm->concurrency.app[i].shed[k])
                          : atomic_load(&shm->concurrency.app[i].waiting[k]));
}

static void ceilings_gauges(struct text *t, const struct shm *shm)
{
    static const struct {
        const char *name, *help;
        size_t offset;
        bool or_none; /* left out where it is 0 */
    } rows[] = {
        { "fettle_concurrency_max", "The most requests that the workers may have, as it is set.",
          offsetof(struct shm_ceiling, fixed), true },
        { "fettle_concurrency_limit", "The same, as it was learned; none: no limit is needed.",
          offsetof(struct shm_ceiling, limit), true },
        { "fettle_concurrency_in_flight", "Requests that the workers have.",
          offsetof(struct shm_ceiling, in_flight), false },
        { "fettle_concurrency_idle",
          "Those of them that are no load: streams and what is there for long.",
          offsetof(struct shm_ceiling, idle), false },
        { "fettle_concurrency_waiting", "Requests that wait for a place.",
          offsetof(struct shm_ceiling, parked), false },
    };
    const struct shm_ceiling *c;

    for (u32 k = 0; k < ARRAY_LEN(rows); k++) {
        text_family(t, rows[k].name, TEXT_GAUGE, rows[k].help);
        for (u32 i = 0; (c = next(shm, &i));) {
            u32 n = atomic_load((const _Atomic u32 *)((const char *)c + rows[k].offset));

            if (n || !rows[k].or_none)
                text_u64(t,
                         LABELS({ "app", reading_app_name(shm, c->app) }, { "place", place_of(c) }),
                         n);
        }
    }
}

static void ceilings_counters(struct text *t, const struct shm *shm)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } rows[] = {
        { "fettle_concurrency_waited_total", "Requests that had to wait for a place.",
          offsetof(struct shm_ceiling, parked_total) },
        { "fettle_concurrency_shed_total", "Those of them that had waited too long: 503.",
          offsetof(struct shm_ceiling, shed) },
        { "fettle_concurrency_limited_total", "How often a limit was found to be needed.",
          offsetof(struct shm_ceiling, limited) },
    };
    const struct shm_ceiling *c;

    for (u32 k = 0; k < ARRAY_LEN(rows); k++) {
        text_family(t, rows[k].name, TEXT_COUNTER, rows[k].help);
        for (u32 i = 0; (c = next(shm, &i));)
            text_u64(t, LABELS({ "app", reading_app_name(shm, c->app) }, { "place", place_of(c) }),
                     atomic_load((const _Atomic u64 *)((const char *)c + rows[k].offset)));
    }
}

void ceilings_metrics(struct text *t, const struct shm *shm)
{
    text_family(t, "fettle_queue_waiting", TEXT_GAUGE, "Requests that wait, by priority.");
    by_priority(t, shm, false);
    text_family(t, "fettle_queue_shed_total", TEXT_COUNTER,
                "Requests that had waited too long in an overload: 503.");
    by_priority(t, shm, true);
    text_family(t, "fettle_queue_overloaded", TEXT_GAUGE,
                "1 while more requests come than are answered.");
    for (u32 i = 0; i < reading_apps(shm); i++)
        if (!reading_app_is_gone(shm, i))
            text_u64(t, LABELS({ "app", reading_app_name(shm, i) }),
                     atomic_load(&shm->concurrency.app[i].overloaded_ns) != 0);
    ceilings_gauges(t, shm);
    ceilings_counters(t, shm);
}
