/* app/apps.h -- the apps that run together: what each of them is told
 *
 * They have one proxy and one monitor. A setting of those that has two values is a mistake, and so
 * is a flag that can only be for one.
 */
#pragma once

#include "app/config_file.h"

struct apps {
    struct apps_one {
        struct settings settings;
        struct config_file file;
    } * list;
    u32 count;
};

/* Reads each of `file->chosen`, of which there is one at least. `s` holds what flags and the
 * environment say for all of them. -EINVAL with *p, -ENOMEM. The caller calls apps_done in any
 * case. */
MUST_USE int apps_read(struct apps *out, const struct settings *s, const struct config_file *file,
                       const char *target, struct problem *p);
void apps_done(struct apps *apps);
