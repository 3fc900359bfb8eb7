/* admin/rates.h -- what processes and apps did lately, put where the supervisor finds it
 *
 * The one writer of struct shm_rates. Once a second it looks at the sums of each slot and compares
 * them with those of ten seconds ago: requests a second and their p99; how busy a loop was comes
 * from the sampler. An app's are those of all its processes together. Nobody waits for it: when the
 * monitor is dead, `fettle ps` shows "-".
 */
#pragma once

#include "admin/sampler.h"

struct rates;

MUST_USE int rates_new(struct rates **out);
void rates_free(struct rates *r);

/* After sampler_tick, with the same time. */
void rates_tick(struct rates *r, const struct sampler *s, struct shm *shm, u64 now_ns);
