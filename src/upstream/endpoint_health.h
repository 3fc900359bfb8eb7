/* upstream/endpoint_health.h -- when an endpoint is left alone, and when it gets requests again
 *
 *          requests fail                     probes fail
 *   UP ────────────────────▶ EJECTED ────────────────────▶ DOWN
 *    ▲ ◀──────────────────────┘ time over                    │
 *    └───────────────────────────────────────────────────────┘ probes succeed
 *
 * Passive: requests that cannot be connected, break or get no answer, so many one after the other,
 * eject an endpoint at once. Whether it fails more often than the others is looked at once in
 * ENDPOINT_HEALTH_WINDOW_NS, statuses of 500 and more included: an app that fails everywhere is no
 * reason to leave one host alone (Envoy's outlier detection has the same aim with a deviation from
 * the mean, which says little of two or three hosts). An ejection lasts twice as long as the one
 * before when that was not long ago.
 *
 * Never are so many ejected that more than `eject_most` would not be up; one may always be, if
 * there are others.
 *
 * Active: `fall` probes one after the other have to fail, `rise` to succeed, but the first one of
 * all decides alone. What probes call down is not ejected as well.
 *
 * Who comes back begins with slow start. Any thread tells results; thread 0 looks and probes.
 */
#pragma once

#include "upstream/endpoints.h"

#define ENDPOINT_HEALTH_WINDOW_NS (10 * NS_PER_S)
enum {
    ENDPOINT_HEALTH_CALLS_LEAST = 20
}; /* in a window, before they say anything of an endpoint */

/* It is new at its place, since since_ns (0: from the beginning). Under the group's lock. */
void endpoint_health_begin(struct upstream_endpoint *e, u64 since_ns);

/* What became of a request. */
enum endpoints_change endpoint_health_result(struct endpoints *g, struct upstream_endpoint *e,
                                             const struct endpoints_rules *rules,
                                             enum shm_endpoint_result result, u64 now_ns);

/* What a probe has found; `status` as it came, 0: none did. */
enum endpoints_change endpoint_health_probe(struct endpoints *g, struct upstream_endpoint *e,
                                            const struct endpoints_rules *rules,
                                            enum shm_probe_result result, u32 status, u64 now_ns);

/* There are no probes any more: what they called down is up. */
enum endpoints_change endpoint_health_unprobe(struct endpoints *g, struct upstream_endpoint *e,
                                              u64 now_ns);

/* Ends ejections and looks for those that fail more often, ten times a second or so. changes[i] is
 * what has happened at place i. */
void endpoint_health_look(struct endpoints *g, const struct endpoints_rules *rules, u64 now_ns,
                          enum endpoints_change changes[ENDPOINTS_MAX]);
