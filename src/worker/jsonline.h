/* worker/jsonline.h -- is this line one whole JSON object?
 *
 * Strict (RFC 8259) and without allocation; nesting deeper than 64 counts as no. With
 * --log json such a line is embedded as it is, so it must not be able to break the outer object.
 */
#pragma once

#include "base/str.h"

bool jsonline_is_object(struct str line);
