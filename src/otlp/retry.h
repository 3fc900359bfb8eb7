/* otlp/retry.h -- what becomes of a piece that was sent
 *
 * By OTLP/HTTP's rules (opentelemetry.io/docs/specs/otlp): 429, 502, 503 and 504, and what never
 * got an answer, are tried again, after Retry-After or with pauses that double; 413 is sent in
 * halves; any other answer but 2xx is final. Pure.
 */
#pragma once

#include "base/clock.h"

enum retry_verdict { RETRY_DONE, RETRY_AGAIN, RETRY_HALVES, RETRY_DROP };

struct retry_answer {
    u32 status;         /* 0: there was none */
    u64 retry_after_ns; /* 0: it did not say */
};

/* Together, the attempts for one batch may take as long as this; then it is dropped. */
#define RETRY_AGE_MAX_NS (300 * NS_PER_S)

enum retry_verdict retry_decide(const struct retry_answer *a, bool divisible);

/* How long to wait after `failures` (1 …) in a row: 1 s that doubles up to 30 s, 20 % of it by
 * chance (`random`), or Retry-After, up to a minute. */
u64 retry_pause_ns(const struct retry_answer *a, u32 failures, u64 random);
