/* proxy/handover.h -- a request is given to a worker
 *
 * Asks the queue for one; once it is there, its connection gets the head, and forward.c does the
 * rest.
 */
#pragma once

#include "proxy/exchange.h"

/* Asks for a worker, for the first time or again; goes on at once or when there is one. May end it.
 */
void handover_ask(struct exchange *x);
