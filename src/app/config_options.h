/* app/config_options.h -- what `fettle config` can be told, in one table */
#pragma once

#include "conf/settings.h"

/* Texts are owned by the options and NUL-terminated; an empty one was not given. */
struct config_options {
    bool json;
    struct str app, only, env;
    /* private */
    struct settings_text *texts;
};

extern const struct settings_table config_flags;
