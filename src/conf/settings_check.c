/* conf/settings_check.c -- what single values of the settings cannot show */
#include "conf/cron.h"
#include "conf/routes.h"

static bool is_variable(struct str name)
{
    return name.len && str_index(name, '=') < 0 && !str_starts(name, STR("FETTLE_"));
}

static bool codes_are(struct str list)
{
    u64 code;

    while (list.ptr && list.len)
        if (!str_to_u64(str_cut(list, ',', &list), &code) || code > 255)
            return false;
    return true;
}

static int values_check(const struct settings *s, struct problem *p)
{
    AUTO(buf_done) struct buf admin = { 0 };
    const struct settings_row *row;
    struct cron cron;

    *p = (struct problem){ 0 };
    if (s->max_line_bytes > s->max_head_bytes) {
        problem_set(p,
                    "%llu bytes are more than max-head (%llu bytes), which includes the request "
                    "line; raise max-head too",
                    (unsigned long long)s->max_line_bytes, (unsigned long long)s->max_head_bytes);
        row = settings_row_find(STR("max-line"), NULL);
        return settings_problem_place(p, row, settings_origin_of(s, row));
    }
    row = settings_row_find(STR("restart-at"), NULL);
    if (s->restart_at.len && cron_parse(&cron, s->restart_at, p))
        return settings_problem_place(p, row, settings_origin_of(s, row));
    if (!codes_are(s->stop_exit_codes)) {
        row = settings_row_find(STR("stop-exit-codes"), NULL);
        problem_set(
            p, "\"%.*s\" is no list of exit codes; write numbers from 0 to 255 with commas between",
            STR_ARG(str_sub(s->stop_exit_codes, 0, 80)));
        return settings_problem_place(p, row, settings_origin_of(s, row));
    }
    if (!is_variable(s->instance_var) || (s->increment_var.len && !is_variable(s->increment_var))) {
        bool first = !is_variable(s->instance_var);

        row = settings_row_find(first ? STR("instance-var") : STR("increment-var"), NULL);
        problem_set(p, "\"%.*s\" is no name of a variable; write one such as INSTANCE_ID",
                    STR_ARG(first ? s->instance_var : s->increment_var));
        return settings_problem_place(p, row, settings_origin_of(s, row));
    }
    if (s->admin.kind == ENDPOINT_IP && !addr_is_loopback(&s->admin.addr) &&
        s->admin_token.len == 0) {
        endpoint_text(&s->admin, &admin);
        problem_set(p,
                    "other hosts could reach %.*s without a token; set FETTLE_ADMIN_TOKEN, or use "
                    "127.0.0.1:%u",
                    STR_ARG(buf_str(&admin)), s->admin.addr.port);
        row = settings_row_find(STR("admin"), NULL);
        return settings_problem_place(p, row, settings_origin_of(s, row));
    }
    return 0;
}

int settings_check(const struct settings *s, struct problem *p)
{
    AUTO(freep) struct routes *all = calloc(1, sizeof(*all));
    int err = values_check(s, p);

    if (!all)
        return -ENOMEM;
    if (!err)
        err = routes_parse_listeners(all, s->listeners, p);
    for (u32 i = 0; i < all->listeners && !err; i++) {
        AUTO(settings_done) struct settings there = { 0 };

        settings_borrow(&there, s);
        err = routes_listener_apply(&there, s, &all->listener[i], p);
        if (!err)
            err = values_check(&there, p);
    }
    return err;
}
