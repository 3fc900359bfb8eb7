/* app/step.c -- the steps of something that takes time, on a terminal */
#include "app/step.h"

#include "base/log.h"

bool step_is_shown(bool json)
{
    return !json && isatty(STDERR_FILENO);
}

void step_line(struct str name, u32 worker, struct str text)
{
    bool colours = log_colours(STDERR_FILENO);

    fprintf(stderr, "%s%.*s: ", colours ? "\033[2m" : "", STR_ARG(name));
    if (worker)
        fprintf(stderr, "worker %u: ", worker);
    fprintf(stderr, "%.*s%s\n", STR_ARG(text), colours ? "\033[0m" : "");
}
