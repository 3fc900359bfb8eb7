/* proxy/admission.h -- what is decided about a request before a worker is asked for
 *
 * Its head is whole. Who asks and what holds for it is found out, then each step says go, ended (it
 * has answered the request itself), or that it waits for somebody else: then the step calls
 * admission_go_on when it knows more, and is asked again. A request can end while it waits (its
 * client goes, its time is up): what waits for it is told by exchange_free.
 */
#pragma once

#include "proxy/exchange.h"

enum admission {
    ADMISSION_GO,
    ADMISSION_WAITS,
    ADMISSION_ENDED, /* the exchange may be freed: touch nothing */
};

typedef enum admission admission_fn(struct exchange *x);

/* The head is whole. May end it. */
void admission_start(struct exchange *x);

/* Asks the step that waits once more, and goes on. May end it. */
void admission_go_on(struct exchange *x);
