/* app/app_policy.c -- how an app is started, ended and started again, from its settings */
#include "app/app_policy.h"

#include <limits.h>

void app_policy_fill(struct app_conf *app, const struct settings *s)
{
    struct problem ignored;

    app->wait_ready = s->wait_ready;
    app->shutdown_message = s->shutdown_message;
    app->rules.restarts = s->autorestart;
    if (!verdict_codes_read(&app->rules, s->stop_exit_codes))
        app->rules.final_codes[0] = 0; /* settings_check has refused it */
    app->max_restarts = s->max_restarts;
    app->pace.first_ns = s->restart_backoff_ns;
    app->pace.good_ns = s->min_uptime_ns;
    app->restart_delay_ns = s->restart_delay_ns;
    app->instance_var = s->instance_var.ptr;
    app->increment_var = s->increment_var.len ? s->increment_var.ptr : NULL;
    app->watch_ignore = s->watch_ignore.ptr;
    app->watch_delay_ns = s->watch_delay_ns;
    app->has_restart_at =
        s->restart_at.len && cron_parse(&app->restart_at, s->restart_at, &ignored) == 0;
}

/* Its absolute form, behind the others. */
static int path_put(const char *path, struct buf *out)
{
    AUTO(freep) char *real = realpath(path, NULL);

    if (!real)
        return errno == ENOMEM ? -ENOMEM : -ENOENT;
    buf_addf(out, "%s%s", out->len ? "," : "", real);
    return 0;
}

int app_policy_watch(const struct settings *s, struct str folder, struct buf *out,
                     struct problem *p)
{
    const struct settings_origin *from =
        settings_origin_of(s, settings_row_find(STR("watch"), NULL));

    for (struct str rest = s->watch; rest.len;) {
        struct str path = str_cut(rest, ',', &rest);
        AUTO(freep)
        char *name = str_dup(!str_eq_nocase(path, STR("on")) ? path
                             : folder.len                    ? folder
                                                             : STR("."));
        int err = name ? path_put(name, out) : -ENOMEM;

        if (err == -ENOMEM)
            return err;
        if (!err)
            continue;
        *p = (struct problem){ .line = from->line };
        str_to_cstr(from->file, p->file, sizeof(p->file));
        problem_set(p, "%s: there is no %.300s; name a file or folder that is there",
                    from->file.len ? "watch" : "--watch", name);
        return -ENOENT;
    }
    for (struct str rest = s->env_file; rest.len;) {
        AUTO(freep) char *name = str_dup(str_cut(rest, ',', &rest));

        if (!name || path_put(name, out) == -ENOMEM)
            return -ENOMEM;
    }
    buf_addc(out, 0);
    return out->failed ? -ENOMEM : 0;
}
