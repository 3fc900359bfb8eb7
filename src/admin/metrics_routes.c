/* admin/metrics_routes.c -- what the requests of each route cost, as numbers
 *
 * Of all statuses together: a series for each method and route.
 */
#include "admin/metrics_page.h"
#include "admin/route_rows.h"

static const struct family {
    const char *name;
    size_t offset; /* of a u64 in struct route_row */
    bool is_ns;
    const char *help;
} families[] = {
    { "fettle_route_response_bytes_total", offsetof(struct route_row, all.sent_bytes), false,
      "Bytes of the answers to requests of the route, heads and bodies." },
    { "fettle_route_request_bytes_total", offsetof(struct route_row, all.received_bytes), false,
      "Bytes of the bodies of these requests." },
    { "fettle_route_loop_seconds_total", offsetof(struct route_row, all.loop_ns), true,
      "How long the workers' event loops ran for these requests." },
    { "fettle_route_cpu_seconds_total", offsetof(struct route_row, all.cpu_ns), true,
      "Of that, how long they had a CPU." },
    { "fettle_route_measured_requests_total", offsetof(struct route_row, all.measured), false,
      "Requests of which it was measured what they allocate." },
    { "fettle_route_measured_allocated_bytes_total",
      offsetof(struct route_row, all.allocated_bytes), false, "Bytes that these have allocated." },
};

void metrics_routes(struct text *t, const struct metrics_source *src)
{
    AUTO(freep) struct route_row *rows = calloc(max(src->tallies, 1u), sizeof(*rows));
    u32 count = rows ? route_rows_make(rows, src->tally, src->tallies, src->page->shm) : 0;

    t->out->failed |= !rows;
    for (u32 f = 0; f < ARRAY_LEN(families); f++) {
        text_family(t, families[f].name, TEXT_COUNTER, families[f].help);
        for (u32 i = 0; i < count; i++) {
            u64 n;

            memcpy(&n, (const char *)&rows[i] + families[f].offset, sizeof(n));
            (families[f].is_ns ? text_seconds
                               : text_u64)(t,
                                           LABELS({ "app", str_of(rows[i].all.app_name) },
                                                  { "method", str_of(rows[i].all.method) },
                                                  { "route", str_of(rows[i].all.route) }),
                                           n);
        }
    }
}
