/* admin/metrics_limits.c -- rate limits in /metrics */
#include "admin/metrics_page.h"
#include "admin/reading.h"

static void limits_write(struct text *t, const struct shm *shm, bool refused)
{
    for (u32 i = 0; i < SHM_LIMITS_MAX; i++) {
        const struct shm_limit *l = &shm->limits.limit[i];

        if (l->state == SHM_LIMIT_FILLED)
            text_u64(t,
                     LABELS({ "app", reading_app_label(shm, l->app % SHM_APPS_MAX) },
                            { "place", str_make(l->place, strnlen(l->place, sizeof(l->place))) },
                            { "limit", str_make(l->text, strnlen(l->text, sizeof(l->text))) }),
                     refused ? l->refused : l->admitted);
    }
}

void metrics_limits(struct text *t, const struct metrics_source *src)
{
    static const char *const algorithm[] = { "token-bucket", "sliding-window" };
    const struct shm *shm = src->page->shm;
    const struct shm_limits *all = &shm->limits;

    text_family(t, "fettle_rate_limited_total", TEXT_COUNTER,
                "Requests that a rate limit has refused, by the limit and where it was said.");
    limits_write(t, shm, true);
    text_family(t, "fettle_rate_limit_admitted_total", TEXT_COUNTER,
                "Requests that it has let in.");
    limits_write(t, shm, false);
    text_family(t, "fettle_rate_limit_places", TEXT_GAUGE,
                "Clients that rate limits can remember, by algorithm.");
    for (u32 i = 0; i < ARRAY_LEN(algorithm); i++)
        if (all->places[i])
            text_u64(t, LABELS({ "algorithm", str_of(algorithm[i]) }), all->places[i]);
    text_family(t, "fettle_rate_limit_places_used", TEXT_GAUGE, "Places of these that were used.");
    for (u32 i = 0; i < ARRAY_LEN(algorithm); i++)
        if (all->places[i])
            text_u64(t, LABELS({ "algorithm", str_of(algorithm[i]) }), all->used[i]);
    text_family(t, "fettle_rate_limit_forgotten_total", TEXT_COUNTER,
                "Clients that were forgotten before their budget was whole again, because others "
                "needed the place.");
    for (u32 i = 0; i < ARRAY_LEN(algorithm); i++)
        if (all->places[i])
            text_u64(t, LABELS({ "algorithm", str_of(algorithm[i]) }), all->forgotten[i]);
}
