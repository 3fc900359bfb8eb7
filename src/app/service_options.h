/* app/service_options.h -- what `fettle service` can be told besides the flags of `fettle run` */
#pragma once

#include "base/strings.h"
#include "conf/settings.h"

struct service_options {
    bool user, system, print, force, json;
    struct str socket, as;
    struct str root; /* below which systemd's folders are; for images, and for tests */
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table service_flags;

/* Takes its own flags out of the command line; the rest goes to `rest`. argv[0] and what stands
 * after "--" stay. -EINVAL with *p, -ENOMEM. service_options_done in any case. */
MUST_USE int service_options_read(struct service_options *o, int argc, char **argv,
                                  struct strings *rest, struct problem *p);
void service_options_done(struct service_options *o);
