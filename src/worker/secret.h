/* worker/secret.h -- what of an environment is not for everybody's eyes
 *
 * By the name: whatever says TOKEN, PASSWORD, SECRET, KEY and the like. By the value: the password
 * in a URL. A guess that rather hides too much. Pure.
 */
#pragma once

#include "base/buf.h"

/* Whether a variable of this name is taken for a secret. */
bool secret_is(struct str name);

/* Adds the value with what is secret in it as "***". */
void secret_mask(struct buf *out, struct str name, struct str value);
