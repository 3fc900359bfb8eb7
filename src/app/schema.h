/* app/schema.h -- `fettle config schema`: a JSON Schema of fettle.json, made from the tables
 *
 * Draft 2020-12. It accepts all that `fettle config check` accepts but odd spellings of words
 * ("AUTO"); ranges of sizes and durations with units are more than a pattern can tell, so of those
 * it accepts more.
 */
#pragma once

#include "base/buf.h"

/* Prints it on standard output; returns the exit code. */
int schema_print(void);
/* Adds it to `out`. */
void schema_write(struct buf *out);
