/* admin/ceilings.h -- how many requests may run at once, and what waits, for Prometheus */
#pragma once

#include "admin/page.h"
#include "metrics/text.h"

/* /api/concurrency is page_ceilings (page.h). */
void ceilings_metrics(struct text *t, const struct shm *shm);
