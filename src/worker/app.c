/* worker/app.c -- one of the apps: its workers, and how it stands */
#include "worker/app.h"

#include "base/log.h"
#include "shared/memfile.h"
#include "worker/crew.h"
#include "worker/restart_at.h"
#include "worker/unheard.h"

#include <signal.h>

static void state_set(struct app *app, enum shm_app_state state)
{
    app->state = state;
    app->crew->shm->app[app->index].state = state;
}

static void names_set(struct app *app, bool alone)
{
    snprintf(app->title, sizeof(app->title), alone ? "the app" : "app %.*s", SHM_NAME_MAX - 1,
             app->conf->name);
    if (!alone)
        snprintf(app->lead, sizeof(app->lead), "%.*s: ", SHM_NAME_MAX - 1, app->conf->name);
}

void app_name(struct app *app)
{
    bool alone = app->crew->conf->apps == 1;

    names_set(app, alone);
    app->output.is_named = !alone;
    for (u32 i = 1; i <= app->workers; i++)
        if (app->worker[i].app)
            worker_name(&app->worker[i]);
}

int app_new(struct app **out, struct crew *c, const struct app_conf *conf, u32 index)
{
    struct app *app = calloc(1, sizeof(*app));
    struct shm_app *shared = &c->shm->app[index];
    int err;

    if (!app)
        return -ENOMEM;
    app->crew = c;
    app->conf = conf;
    app->index = index;
    app->workers = app->workers_conf = conf->workers;
    err = memfile_create(&app->memory_fd);
    if (err < 0) {
        app->memory_fd = -1;
        log_warn("no memory for workers to share, each has its own: %s", strerror(-err));
    }
    names_set(app, c->conf->apps == 1);
    app->output.is_named = c->conf->apps > 1;
    str_to_cstr(str_of(conf->name), shared->name, sizeof(shared->name));
    shared->workers_wanted = app->workers;
    shared->watch_requests = conf->watch_requests;
    shared->n_plus_one = conf->n_plus_one;
    shared->n_plus_one_ns = conf->n_plus_one_ns;
    shared->slow_statement_ns = conf->slow_statement_ns;
    shared->block_ns = conf->block_ns;
    shared->traced = conf->traced;
    state_set(app, SHM_APP_STARTING);
    listeners_port(&c->listeners, index, conf->port);
    app->output.name = conf->name;
    app->output.index = index;
    app->output.date_format = conf->log_date_format;
    err =
        logbook_app(&c->logbook, &app->output, conf->log_file, conf->error_file, &conf->log_rules);
    if (err) {
        fd_closep(&app->memory_fd);
        free(app);
        return err;
    }
    *out = app;
    return 0;
}

void app_free(struct app *app)
{
    if (app) {
        dev_done(app);
        fd_closep(&app->memory_fd);
    }
    free(app);
}

void app_start(struct app *app)
{
    bool started = true;

    app->started_ns = clock_now_ns();
    app->crew->shm->app[app->index].started_ns = app->started_ns;
    for (u32 i = 1; i <= app->workers; i++)
        worker_init(&app->worker[i], app, i);
    dev_start(app);
    for (u32 i = 1; i <= app->workers && started; i++)
        started = worker_start(&app->worker[i]);
    scaling_start(app);
    if (predecessor_by_hand(app->crew->conf->predecessor, app))
        scaling_stop(app);
    if (app->conf->is_hosts) {
        app_ready(app);
        app->all_ready_told = true;
        log_info("%sready: requests go to other hosts", app->lead);
        unheard_tell(app->crew);
    }
    if (!started) /* the command itself is wrong: it will not get better */
        app_end(app, SHM_APP_ERRORED);
}

void app_leave_stopped(struct app *app)
{
    for (u32 i = 1; i <= app->workers; i++)
        worker_init(&app->worker[i], app, i);
    app->crew->shm->app[app->index].workers_wanted = 0;
    state_set(app, SHM_APP_STOPPED);
}

void app_start_again(struct app *app)
{
    assert(app_is_over(app));
    listeners_port(&app->crew->listeners, app->index, app->conf->port);
    app->failures = 0;
    app->ever_ready = app->ever_listened = app->all_ready_told = app->is_cluster = false;
    app->crew->shm->app[app->index].workers_wanted = app->workers;
    state_set(app, SHM_APP_STARTING);
    app_start(app);
}

void app_failed(struct app *app, const struct process *p, const char *why)
{
    struct app_failure *f = &app->failure;
    AUTO(buf_done) struct buf tail = { 0 };
    struct str lines;

    f->count++;
    f->worker = p->worker->number;
    str_to_cstr(p->term_sent ? STR("it took longer than start-timeout") : str_of(why), f->why,
                sizeof(f->why));
    output_tail(&p->output, &tail);
    lines = buf_str(&tail);
    if (lines.len >= sizeof(f->lines)) /* the end says most */
        lines = str_sub(lines, lines.len - sizeof(f->lines) + 1, lines.len);
    str_to_cstr(lines, f->lines, sizeof(f->lines));
}

void app_end(struct app *app, enum shm_app_state state)
{
    struct crew *c = app->crew;

    if (app_is_over(app) || c->draining)
        return;
    state_set(app, state);
    c->shm->app[app->index].workers_wanted = 0;
    reload_stop(app);
    if (crew_apps_over(c))
        return;
    for (u32 i = 1; i <= app->workers; i++)
        worker_retire(&app->worker[i]);
}

void app_ready(struct app *app)
{
    app->ever_ready = true;
    if (app->state == SHM_APP_STARTING)
        state_set(app, SHM_APP_RUNNING);
}

/* What listens, for people. */
static void listeners_announce(struct app *app, u32 bits, u32 wanted)
{
    struct listeners *ls = &app->crew->listeners;

    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        AUTO(buf_done) struct buf url = { 0 };
        struct listener *l = &ls->listener[i];

        if (!l->open || l->announced || !(bits & BIT(i)))
            continue;
        l->announced = true;
        listeners_url(ls, i, &url);
        if (app->is_cluster)
            log_info("%s%.*s → the app's own cluster", app->lead, STR_ARG(buf_str(&url)));
        else
            log_info("%s%.*s → %u worker%s", app->lead, STR_ARG(buf_str(&url)), wanted,
                     wanted == 1 ? "" : "s");
    }
}

void app_announce(struct app *app)
{
    u64 took_ms = (loop_now_ns(app->crew->loop) - app->started_ns) / NS_PER_MS;
    u32 ready = 0, wanted = 0, bits = 0;

    if (app->crew->draining)
        return;
    for (u32 i = 1; i <= app->workers; i++) {
        const struct worker *w = &app->worker[i];
        bool is_ready = w->current && w->current->state == PROCESS_READY;

        wanted += !w->finished && !w->retired;
        ready += is_ready;
        bits |= is_ready ? process_listening(w->current) : 0;
    }
    listeners_announce(app, bits, wanted);
    if (app->all_ready_told || ready == 0 || ready < wanted)
        return;
    app->all_ready_told = true;
    log_info("%s%u worker%s ready in %llu ms%s", app->lead, ready, ready == 1 ? "" : "s",
             (unsigned long long)took_ms, app->ever_listened ? "" : "; the app does not listen");
    unheard_tell(app->crew);
}

void app_is_a_cluster(struct app *app)
{
    if (app->is_cluster)
        return;
    app->is_cluster = true;
    app->crew->shm->app[app->index].workers_wanted = 1;
    if (app->workers > 1)
        log_info("%s uses cluster itself: one copy of it runs (worker 1), and its own processes "
                 "are the backends",
                 app->title);
    for (u32 i = 2; i <= app->workers; i++)
        worker_retire(&app->worker[i]);
}

void app_process_gone_last(struct app *app)
{
    app->crew->shm->app[app->index].state = SHM_APP_GONE;
    app->crew->shm->app[app->index].workers_wanted = 0;
}

void app_process_gone(struct app *app)
{
    bool wanted = false, given_up = false;

    app->processes--;
    if (app->crew->draining) {
        crew_process_gone(app->crew);
        return;
    }
    if (app_is_gone(app))
        app_process_gone_last(app);
    if (app->processes > 0 || app_is_over(app))
        return;
    for (u32 i = 1; i <= app->workers; i++)
        wanted |= !app->worker[i].finished && !app->worker[i].retired;
    for (u32 i = 1; i <= app->workers; i++)
        given_up |= app->worker[i].given_up;
    if (wanted || restart_at_waits(app) || dev_waits_all(app))
        return;
    if (given_up)
        log_error("%sno worker is left that would be started again", app->lead);
    else
        log_info("%sall workers have finished", app->lead);
    app_end(app, given_up ? SHM_APP_ERRORED : SHM_APP_FINISHED);
}
