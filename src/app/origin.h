/* app/origin.h -- where settings came from, for people */
#pragma once

#include "conf/settings.h"

/* "fettle.json:3", "FETTLE_WORKERS", "--workers", "default". */
void origin_text(struct buf *out, const struct settings *s, const struct settings_row *row);

/* All that are not the default, as a JSON list of {name, value, default, from, reloadable}. Secrets
 * are not shown. */
void origin_json(struct buf *out, const struct settings *s);
