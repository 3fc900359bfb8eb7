/* proxy/resend.h -- whether a request is sent again, and to whom
 *
 * What no worker has read goes on to another one, whatever it is: nobody has done anything with it.
 * What a worker may have begun is sent again when all of this holds: the client has seen nothing of
 * an answer, all that came of the request is still here, it may be repeated (retry-methods), that
 * is wanted after such a failure (retry-on), and there are repeats left for it (retry-max) and for
 * its app (retry-budget).
 */
#pragma once

#include "proxy/exchange.h"

/* An attempt has come to this; `status` for SHM_RETRY_STATUS. True: the request is on its way
 * again, or has ended: touch nothing of it. False: what came of it is the answer. */
MUST_USE bool resend_after(struct exchange *x, enum shm_retry cause, u32 status);
