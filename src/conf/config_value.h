/* conf/config_value.h -- one value of a file of settings, as a flag would have it
 *
 * Inside of conf/: what JSON has types for stands in a file as such a type, and
 * only so: numbers without quotes, true and false, lists of texts.
 */
#pragma once

#include "conf/json_value.h"
#include "conf/settings.h"

/* Adds the text that settings_set reads. A relative path gets `folder` before it. False: the value
 * is of a type that this setting does not have; what was added is then of no use. */
MUST_USE bool config_value_text(const struct settings_row *row, const struct json_value *v,
                                struct str folder, struct buf *out);
/* What may stand there, for people: "a text with its unit, such as \"10s\"". */
const char *config_value_form(const struct settings_row *row);
/* What stands there: "a list". */
const char *config_value_kind(const struct json_value *v);
