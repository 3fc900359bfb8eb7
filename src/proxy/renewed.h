/* proxy/renewed.h -- the settings that a reload has brought
 *
 * All threads read proxy->settings, and may be about to while it changes; so the old ones live on
 * until a later reload finds them ten seconds old. What the proxy has made room for at its start
 * (heads, fields, threads) stays.
 */
#pragma once

#include "conf/settings.h"

struct renewed {
    struct renewed_settings *old; /* owned, the newest first */
};

/* Nobody reads any of them any more. */
void renewed_done(struct renewed *r);

/* The flags up to the next "--", which are taken off `rest`. */
struct str renewed_section(struct str *rest);

/* New settings from flags, each with its NUL; they live as long as they are in force and ten
 * seconds more. NULL: they cannot be read, which has been logged. */
const struct settings *renewed_read(struct renewed *r, const struct settings *present,
                                    struct str flags, u64 now_ns);
