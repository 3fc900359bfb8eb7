/* proxy/series.h -- how long requests take, by app, route, method and status, in shared memory
 *
 * A fixed open-addressed table that only fills up: when it is full, or a route
 * hashes where everything is taken, the request counts under "(other)". Routes
 * come from the app's own router, so a stranger cannot fill it with paths.
 */
#pragma once

#include "proxy/thread.h"

struct exchange;

void series_init(struct shm *shm);
void series_count(struct exchange *x, u64 now_ns);

/* The series for a key; claims a place for a new one. Never NULL: "(other)" at worst. */
struct shm_series *series_find(struct shm *shm, u32 app, struct str method, struct str route,
                               u32 status);
void series_add(struct shm_series *s, u64 duration_ns);
