/* worker/assembly.c -- what a crew needs before its loop begins */
#include "worker/assembly.h"

#include "base/log.h"
#include "shm/region.h"
#include "worker/crew.h"

#include <sys/eventfd.h>

/* A path that LD_PRELOAD can hold: it is split at spaces and colons, so another name stands in. */
static int preload_find(struct crew *c)
{
    char lib[sizeof(c->preload)];
    int n = snprintf(lib, sizeof(lib), "%s/fettle-loop.so", c->conf->agent_dir);

    if (n < 0 || (size_t)n >= sizeof(lib) || access(lib, R_OK) < 0) {
        log_warn("%s is not there: blocked loops are seen a little later", lib);
        return 0;
    }
    if (strpbrk(lib, " :")) {
        char name[RUNDIR_PATH_MAX + 32];

        snprintf(name, sizeof(name), "%s/fettle-loop.so", c->dir.path);
        if (strpbrk(name, " :") || symlink(lib, name) < 0)
            return 0;
        str_to_cstr(str_of(name), lib, sizeof(lib));
    }
    str_to_cstr(str_of(lib), c->preload, sizeof(c->preload));
    return 0;
}

static int agent_find(struct crew *c, struct problem *problem)
{
    int n = snprintf(c->agent_js, sizeof(c->agent_js), "%s/agent.js", c->conf->agent_dir);

    if (n < 0 || (size_t)n >= sizeof(c->agent_js) || access(c->agent_js, R_OK) < 0)
        return problem_set(problem,
                           "fettle's agent is not there: %s cannot be read (%s); it is built by "
                           "`make` and installed by `make install`",
                           c->agent_js, strerror(errno));
    return preload_find(c);
}

static int conf_check(const struct supervisor_conf *conf, struct problem *problem)
{
    u32 all = 0;

    if (conf->apps < 1 || conf->apps > SHM_APPS_MAX)
        return problem_set(problem, "%u apps are asked for; there may be 1 to %d", conf->apps,
                           SHM_APPS_MAX);
    for (u32 i = 0; i < conf->apps; i++) {
        const struct app_conf *app = &conf->app[i];

        u32 most = max(app->workers, app->workers_most);

        if ((app->workers < 1 && !app->is_hosts) || most > LISTENERS_WORKERS_MAX)
            return problem_set(problem, "%u workers are asked for; write a number from 1 to %d",
                               most, LISTENERS_WORKERS_MAX);
        if (!app->argv || !app->argv[0])
            return problem_set(problem, "there is no command to run");
        all += most;
    }
    if (all > SUPERVISOR_WORKERS_MAX)
        return problem_set(problem,
                           "the apps ask for %u workers altogether; there may be %d: set `workers` "
                           "of some to less",
                           all, SUPERVISOR_WORKERS_MAX);
    return 0;
}

static int memory_make(struct crew *c, struct problem *problem)
{
    int r = region_create(&c->shm, &c->shm_fd);

    if (r == 0)
        r = region_peers_create(&c->peers_fd, &c->peers_read_fd);
    if (r < 0)
        return problem_set(problem, "no shared memory: %s", strerror(-r));
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->wake_fd < 0)
        return problem_set(problem, "no eventfd: %s", strerror(errno));
    slots_init(&c->slots, c->shm);
    listeners_init(&c->listeners, c->shm);
    c->listeners.activation = c->conf->activation;
    for (u32 i = 0; i < c->conf->apps; i++) {
        r = app_new(&c->app[i], c, &c->conf->app[i], i);
        if (r < 0)
            return problem_set(problem, "app %s: %s", c->conf->app[i].name, strerror(-r));
        c->shm->apps = ++c->apps;
    }
    return 0;
}

/* What the routes listen on. */
static int routed_open(struct crew *c, struct problem *problem)
{
    for (u32 i = 0; i < c->conf->routed_n; i++) {
        int r = listeners_open_own(&c->listeners, &c->conf->routed[i], i + 1);
        AUTO(buf_done) struct buf url = { 0 };

        if (r < 0) {
            endpoint_text(&c->conf->routed[i], &url);
            return problem_set(problem, "routes: %.*s: %s", STR_ARG(buf_str(&url)), strerror(-r));
        }

        listeners_url(&c->listeners, (u32)r, &url);
        c->listeners.listener[r].announced = true;
        log_info("%.*s → the routes", STR_ARG(buf_str(&url)));
    }
    return 0;
}

int assembly_make(struct crew *c, struct problem *problem)
{
    int r = conf_check(c->conf, problem);

    if (r == 0)
        r = rundir_make(&c->dir, c->conf->runtime_dir, problem);
    if (r == 0)
        r = agent_find(c, problem);
    if (r == 0)
        r = memory_make(c, problem);
    return r == 0 ? routed_open(c, problem) : r;
}
