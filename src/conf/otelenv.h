/* conf/otelenv.h -- the variables that every OpenTelemetry SDK reads, as settings
 *
 * OTEL_EXPORTER_OTLP_ENDPOINT and its kin
 * (opentelemetry.io/docs/specs/otel/protocol/exporter, …/configuration/sdk-environment-variables).
 * FETTLE_OTLP and its kin win over them. Pure.
 */
#pragma once

#include "conf/settings.h"

/* What `env` says, as if it stood in FETTLE_…: to be read before those. A value that only an SDK
 * can use (gRPC, another sampler) is left alone, and *note says so (NULL: nothing to say).
 * -EINVAL with *p, -ENOMEM. */
MUST_USE int otelenv_read(struct settings *s, char *const *env, const char **note,
                          struct problem *p);

/* The value of a variable of `env`; empty: it is not set. */
struct str otelenv_find(char *const *env, const char *name);
