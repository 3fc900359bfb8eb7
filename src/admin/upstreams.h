/* admin/upstreams.h -- the endpoints beyond this machine's workers, for people and for Prometheus
 */
#pragma once

#include "admin/page.h"
#include "metrics/text.h"

/* /api/upstreams is page_upstreams (page.h). */
void upstreams_metrics(struct text *t, const struct shm *shm);
