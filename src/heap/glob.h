/* heap/glob.h -- names and texts with wildcards
 *
 * `*` is anything, `?` one character, `|` stands between alternatives. The whole text has to match,
 * and case matters.
 */
#pragma once

#include "base/str.h"

bool glob_match(struct str pattern, struct str text);
