/* admin/metrics_redis.c -- the proxy's Redis in /metrics, when it has one */
#include "admin/metrics_page.h"

static const char *const use_text[] = SHM_REDIS_USE_TEXTS;

struct use_family {
    const char *name;
    const char *help;
    size_t offset;
};

/* One sample for each use that there is a connection for. */
static void uses_write(struct text *t, const struct shm_redis *all, const struct use_family *f)
{
    text_family(t, f->name, TEXT_COUNTER, f->help);
    for (u32 i = 0; i < SHM_REDIS_USES; i++) {
        const char *use = (const char *)&all->use[i];

        if (all->use[i].wanted)
            text_u64(t, LABELS({ "use", str_of(use_text[i]) }),
                     *(const _Atomic u64 *)(const void *)(use + f->offset));
    }
}

static void connections_write(struct text *t, const struct shm_redis *all)
{
    text_family(t, "fettle_redis_up", TEXT_GAUGE,
                "1 while every connection to Redis answers (and all purges are known), else 0.");
    for (u32 i = 0; i < SHM_REDIS_USES; i++)
        if (all->use[i].wanted)
            text_u64(t, LABELS({ "use", str_of(use_text[i]) }),
                     all->use[i].ready >= all->use[i].wanted &&
                         (i != SHM_REDIS_PURGES || all->purges_known));
    text_family(t, "fettle_redis_wait_seconds_total", TEXT_COUNTER,
                "Sum of the times until Redis answered, without answers that came too late.");
    for (u32 i = 0; i < SHM_REDIS_USES; i++)
        if (all->use[i].wanted)
            text_seconds(t, LABELS({ "use", str_of(use_text[i]) }), all->use[i].wait_ns);
}

static void one_write(struct text *t, const char *name, const char *help, u64 n)
{
    text_family(t, name, TEXT_COUNTER, help);
    text_u64(t, NO_LABELS, n);
}

void metrics_redis(struct text *t, const struct metrics_source *src)
{
#define AT(field) offsetof(struct shm_redis_use, field)
    static const struct use_family family[] = {
        { "fettle_redis_commands_total", "Commands that were sent to Redis.", AT(commands) },
        { "fettle_redis_answers_total", "Answers that came in time.", AT(answers) },
        { "fettle_redis_errors_total", "Answers that said that it cannot do it.", AT(errors) },
        { "fettle_redis_late_total", "Commands that were not answered in time.", AT(late) },
        { "fettle_redis_refused_total",
          "Commands that were not sent, because Redis was away, late or had too much to do.",
          AT(refused) },
        { "fettle_redis_connected_total", "Connections to Redis that were made.", AT(connected) },
        { "fettle_redis_lost_total", "Connections that broke or did not come about.", AT(lost) },
    };
#undef AT
    const struct shm_redis *all = &src->page->shm->redis;

    connections_write(t, all);
    for (u32 i = 0; i < ARRAY_LEN(family); i++)
        uses_write(t, all, &family[i]);
    one_write(t, "fettle_redis_decided_total",
              "Requests whose rate limits Redis has decided about, for all hosts.", all->decided);
    one_write(
        t, "fettle_redis_decided_alone_total",
        "Requests whose rate limits this host has decided about, because Redis did not answer.",
        all->alone);
    one_write(t, "fettle_redis_remembered_total",
              "Requests refused here, by what Redis had said of that client shortly before.",
              all->remembered);
    one_write(t, "fettle_redis_cache_hits_total",
              "Responses that were found in the second tier of the cache.", all->tier_hits);
    one_write(t, "fettle_redis_cache_misses_total",
              "Times when nothing was found there, or it did not answer.", all->tier_misses);
    one_write(t, "fettle_redis_cache_stored_total", "Responses that were sent there.",
              all->tier_stored);
    one_write(t, "fettle_redis_cache_bad_total",
              "Values there that were none of fettle's, or broken: they count as nothing.",
              all->tier_bad);
    one_write(t, "fettle_redis_cache_outdated_total", "Responses there that had been purged.",
              all->tier_outdated);
    one_write(t, "fettle_redis_purges_sent_total", "Purges that other hosts were told of.",
              all->purges_sent);
    one_write(t, "fettle_redis_purges_taken_total", "Purges of other hosts.", all->purges_taken);
    one_write(t, "fettle_redis_purges_lost_total",
              "Times when there were too many to know all of them, so that all was removed.",
              all->purges_lost);
}
