/* admin/route_rows.c -- what is known of each route, answers of all statuses together */
#include "admin/route_rows.h"

#include "admin/reading.h"
#include "metrics/histogram.h"

static u32 app_of(const struct shm *shm, const struct tally *t)
{
    for (u32 i = 0; t->app_name[0] && i < reading_apps(shm); i++)
        if (str_eq(reading_app_name(shm, i), str_of(t->app_name)))
            return i;
    return 0;
}

static bool is_of(const struct route_row *r, const struct tally *t)
{
    return strcmp(r->all.app_name, t->app_name) == 0 && strcmp(r->all.route, t->route) == 0 &&
           strcmp(r->all.method, t->method) == 0;
}

u32 route_rows_make(struct route_row *rows, const struct tally *tallies, u32 count,
                    const struct shm *shm)
{
    u32 n = 0;

    for (u32 i = 0; i < count; i++) {
        const struct tally *t = &tallies[i];
        u64 requests = 0;

        for (u32 b = 0; b <= SHM_SERIES_LE; b++)
            requests = u64_add(requests, t->bucket[b]);
        if (n && is_of(&rows[n - 1], t))
            tally_add(&rows[n - 1].all, t);
        else
            rows[n++] = (struct route_row){ .all = *t, .app = app_of(shm, t) };
        rows[n - 1].requests = u64_add(rows[n - 1].requests, requests);
        rows[n - 1].errors = u64_add(rows[n - 1].errors, t->is_error ? requests : 0);
    }
    return n;
}
