/* worker/reply.h -- what an operation tells who asked for it: how far it is, and how it ended
 *
 * Lines of the control socket (worker/control.h). The last one ends the operation: it is freed.
 */
#pragma once

#include "base/str.h"

struct operation;

/* «worker 2: a new process starts»; worker 0: of the app. */
void reply_step(const struct operation *op, u32 worker, const char *text);

/* It is done; the time that it took is added. */
void reply_ok(struct operation *op, const char *fmt, ...) PRINTF(2, 3);
/* It is not; with the last lines of the process that failed, where one did. */
void reply_failed(struct operation *op, bool with_lines, const char *fmt, ...) PRINTF(3, 4);
/* … with lines that tell more. */
void reply_failed_with(struct operation *op, struct str lines, const char *text);
