/* admin/circuits.h -- the circuit breakers, for people and for Prometheus */
#pragma once

#include "admin/page.h"
#include "metrics/text.h"

/* /api/circuits is page_circuits (page.h). */
void circuits_metrics(struct text *t, const struct shm *shm);
