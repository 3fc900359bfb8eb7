/* admin/route_rows.h -- what is known of each route, answers of all statuses together */
#pragma once

#include "admin/tally.h"

struct route_row {
    struct tally all; /* its labels but the status, and the sums */
    u32 app;          /* index */
    u64 requests, errors;
};

/* Out of tallies in their order; `rows` has room for as many. How many rows there are. */
u32 route_rows_make(struct route_row *rows, const struct tally *tallies, u32 count,
                    const struct shm *shm);

/* Nobody has named a route: neither the app nor its path. */
static inline bool route_row_is_nobodys(const struct route_row *r)
{
    return str_eq(str_of(r->all.route), STR("(none)"));
}
