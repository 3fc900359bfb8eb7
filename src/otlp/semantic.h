/* otlp/semantic.h -- OpenTelemetry's names for what /metrics has in Prometheus' spelling
 *
 * A name of the semantic conventions cannot be told from its Prometheus spelling («_» is both «.»
 * and «_»), so those are listed; whatever else is there keeps its words: fettle_worker_in_flight is
 * fettle.worker_in_flight. Units and «_total» go where OTLP has them. Pure.
 */
#pragma once

#include "metrics/text.h"

struct semantic {
    char name[128];
    const char *unit; /* UCUM: "s", "By", "1", "" */
    bool is_updown;   /* a sum that goes both ways rather than a gauge */
};

void semantic_metric(struct semantic *out, const char *name, enum text_type type);
/* The same for a label: "http_route" is "http.route". */
const char *semantic_attribute(const char *label);
