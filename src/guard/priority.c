/* guard/priority.c -- who comes first when not everybody can be served */
#include "guard/priority.h"

#include "base/clock.h"

static const char *const names[] = {
    "health",  "healthz",  "healthcheck", "health-check", "health_check", "_health", "_healthz",
    "livez",   "live",     "liveness",    "alive",        "readyz",       "ready",   "readiness",
    "startup", "startupz", "heartbeat",   "ping",         "up",
};
/* What may stand before the name. */
static const char *const before[] = { "/api", "/actuator", "/-", "/_", "/internal", "/v1" };

static bool is_name(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(name, str_of(names[i])))
            return true;
    return false;
}

static struct str first_part(struct str path, struct str *rest)
{
    return str_cut(str_sub(path, 1, path.len), '/', rest);
}

bool priority_is_health_check(struct str target)
{
    struct str rest, path = str_cut(target, '?', &rest), name;

    if (path.len < 2 || path.ptr[0] != '/')
        return false;
    for (u32 i = 0; i < ARRAY_LEN(before); i++) {
        struct str b = str_of(before[i]);

        if (str_starts(path, b) && path.len > b.len && path.ptr[b.len] == '/') {
            path = str_sub(path, b.len, path.len);
            break;
        }
    }
    if (path.len < 2)
        return false;
    name = first_part(path, &rest);
    if (!is_name(name))
        return false;
    /* /health/live, but not /live/channel-7 */
    if (rest.len && str_starts_nocase(name, STR("health")))
        return is_name(rest) || is_name(str_sub(rest, 0, rest.len - 1));
    return rest.len == 0;
}

bool priority_check_take(struct priority_checks *c, u64 now_ns)
{
    u64 second = now_ns / NS_PER_S;

    if (c->second != second)
        *c = (struct priority_checks){ .second = second };
    if (c->n >= PRIORITY_CHECKS_A_SECOND)
        return false;
    c->n++;
    return true;
}
