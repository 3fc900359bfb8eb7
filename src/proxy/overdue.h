/* proxy/overdue.h -- what an exchange waits for too long
 *
 * One timer for all of its time-outs, the client's: it looks every rules->tick_ns, so that nothing
 * is armed and stopped as a request goes along. The times are those of its rule.
 */
#pragma once

#include "proxy/exchange.h"

/* From now on, until it is over. */
/* Whether it is the client's turn: to take more of the answer, or to give more of the request. */
bool overdue_takes(const struct exchange *x);
bool overdue_gives(const struct exchange *x);

void overdue_watch(struct exchange *x);
