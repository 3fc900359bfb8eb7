/* worker/snapshot.h -- how the apps are, as JSON for `fettle ps` and `describe`
 *
 * From the supervisor's own state and from shared memory, where the monitor puts rates: nothing is
 * asked, nothing waits. What is not known, or is older than five seconds because the monitor is
 * dead, is null. The keys are documented in doc/control.md and stay.
 */
#pragma once

#include "base/buf.h"

struct app;
struct crew;

/* The row of one app: {"name":…,"state":…,…}. */
void snapshot_app(struct buf *out, const struct app *app, u64 now_ns);
/* The same with its workers, its command, its settings and its supervisor. */
void snapshot_describe(struct buf *out, const struct app *app, u64 now_ns);

/* Workers that are ready, and those that should be. */
u32 snapshot_ready(const struct app *app);
u32 snapshot_wanted(const struct app *app);
