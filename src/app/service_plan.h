/* app/service_plan.h -- what `fettle service` is to install: the text of the units, and where they
 * go
 *
 * Nothing is written, and no program is started.
 */
#pragma once

#include "app/run.h"
#include "app/service_options.h"
#include "app/unit.h"

struct service_plan {
    struct service_options options;
    struct strings rest; /* the command line of `fettle run` */
    struct run_outline outline;
    struct unit_conf unit;
    struct buf name, about, search, folder, env_file, user, dir;
    struct buf text[2], path[2]; /* of the service; of the socket, if there is one */
    u32 units;
    bool shows; /* it is only looked at */
    struct problem problem;
};

void service_plan_done(struct service_plan *s);

/* Of the name alone: where its units are, for `remove`. -EINVAL with s->problem, -ENOMEM. */
MUST_USE int service_plan_place(struct service_plan *s, struct str name);

/* Everything, from the outline; `rest` is the command line as a list. Errors as above. */
MUST_USE int service_plan_make(struct service_plan *s, char **rest);
