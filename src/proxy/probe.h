/* proxy/probe.h -- health checks: thread 0 asks the hosts of each group whether they are well
 *
 * GET over a connection of its own, or a connection alone (setting health-check), in time, at about
 * regular intervals: a tenth earlier or later by chance, so that hosts do not get them all at once.
 * What comes of it goes to upstream/endpoint_health.h, for all threads. An answer also brings what
 * a fettle there says of its loops (upstream/load_report.h), so a host that gets no requests is
 * known, too.
 */
#pragma once

#include "proxy/hosts.h"

struct thread;

/* Begins and ends checks as settings and groups have it now, ends ejections and looks for outliers;
 * ten times a second or so. */
void probe_look(struct thread *t, u64 now_ns);
