/* app/log_print.h -- a line of a log, as `fettle logs` shows it
 *
 * Whatever the form in the file, it is shown as text (2026-11-26T04:02:26.123Z shop/1 | line), with
 * colours for a terminal, or as a JSON object.
 */
#pragma once

#include "base/buf.h"
#include "logs/logline.h"

/* Adds `line`, of which `parsed` tells, with a newline. */
void log_print_text(struct buf *out, struct str line, const struct logline *parsed, bool colours);
void log_print_json(struct buf *out, struct str line, const struct logline *parsed);
