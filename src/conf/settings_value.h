/* conf/settings_value.h -- a value of each type: from text, and back
 *
 * Inside of conf/; everybody else calls settings_set and settings_text.
 */
#pragma once

#include "conf/settings.h"

struct settings_reader {
    /* -EINVAL with p->text saying what is wrong with the value and what would be right, without
     * the setting's name; -ENOMEM. The field is unchanged then. A list is added to. */
    int (*read)(const struct settings_values *to, const struct settings_row *row, struct str value,
                struct problem *p);
    void (*write)(const void *fields, const struct settings_row *row, struct buf *out);
};

/* A value of any length for any row, checked and read: as settings_reader's `read`. */
MUST_USE int settings_value_read(const struct settings_values *to, const struct settings_row *row,
                                 struct str value, struct problem *p);

extern const struct settings_reader settings_readers[]; /* by enum settings_type */
