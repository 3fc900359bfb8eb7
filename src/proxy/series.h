/* proxy/series.h -- how long requests take, by app, route, method and status, in shared memory
 *
 * A fixed open-addressed table that only fills up: when it is full, or a route
 * hashes where everything is taken, the request counts under "(other)". Routes
 * come from the app's own router, so a stranger cannot fill it with paths. While an app has named
 * none, paths stand for them (balance/pathset.h), so many as fit, of what it has not answered as
 * something that it does not know.
 */
#pragma once

#include "proxy/thread.h"

struct exchange;

/* Also takes up what a proxy before this one has left. */
void series_init(struct proxy *p);
void series_count(struct exchange *x, u64 now_ns);

struct series_key {
    u32 app;
    struct str method, route;
    u32 status;
    bool is_path;
};

/* The series for a key; claims a place for a new one. Never NULL: "(other)" at worst. */
struct shm_series *series_find(struct shm *shm, const struct series_key *key);
void series_add(struct shm_series *s, u64 duration_ns);
