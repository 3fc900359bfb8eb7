/* worker/unheard.c -- settings for an address on which nobody listens */
#include "worker/unheard.h"

#include "base/log.h"
#include "conf/routes.h"
#include "worker/crew.h"

static bool is_heard(const struct listeners *ls, const struct routes_listener *said)
{
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        const struct listener *l = &ls->listener[i];
        struct endpoint bound = { .kind = ENDPOINT_IP, .addr = l->bound };

        if (l->bound.family == AF_UNIX)
            bound = (struct endpoint){ .kind = ENDPOINT_UNIX, .path = str_of(l->as.path) };
        if (l->open && routes_listener_fits(said, &bound))
            return true;
    }
    return false;
}

static bool all_settled(const struct crew *c)
{
    for (u32 i = 0; i < c->apps; i++)
        if (!app_is_over(c->app[i]) && !c->app[i]->all_ready_told)
            return false;
    return true;
}

void unheard_tell(struct crew *c)
{
    AUTO(freep) struct routes *routes = NULL;
    struct problem ignored;

    if (c->unheard_told || !c->conf->listeners || !*c->conf->listeners || !all_settled(c))
        return;
    c->unheard_told = true;
    routes = calloc(1, sizeof(*routes));
    if (!routes || routes_parse_listeners(routes, str_of(c->conf->listeners), &ignored))
        return;
    for (u32 i = 0; i < routes->listeners; i++)
        if (!is_heard(&c->listeners, &routes->listener[i]))
            log_warn("listeners.%.*s: nothing listens there, so what is said for it has no effect",
                     STR_ARG(routes->listener[i].text));
}
