/* conf/json_write.h -- a JSON value as text again */
#pragma once

#include "base/buf.h"
#include "conf/json_value.h"

/* Adds the value as JSON without blanks. */
void json_write(const struct json_value *v, struct buf *out);
