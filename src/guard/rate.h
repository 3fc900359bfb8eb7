/* guard/rate.h -- what an algorithm says of one request */
#pragma once

#include "base/base.h"

struct rate_verdict {
    bool admitted;
    u32 remaining; /* so many more would be admitted just now */
    u64 reset_ns;  /* in this time all of the budget is there again */
    u64 retry_ns;  /* not admitted: in this time one would be */
};
