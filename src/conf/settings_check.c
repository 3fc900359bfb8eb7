/* conf/settings_check.c -- what single values of the settings cannot show */
#include "conf/cachewords.h"
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

/* A URL of OTLP: http or https, a host, no password in it, nothing behind its path. */
static int url_check(struct str url, struct problem *p)
{
    struct str rest = str_starts_nocase(url, STR("https://"))  ? str_sub(url, 8, url.len)
                      : str_starts_nocase(url, STR("http://")) ? str_sub(url, 7, url.len)
                                                               : (struct str){ 0 };
    struct str path, host = str_cut(rest, '/', &path);

    if (str_index(host, '@') >= 0) /* not shown: it is a secret */
        return problem_set(p,
                           "the URL has a password in it, which other users of the machine could "
                           "read; write it into otlp-headers, as Authorization=Basic%%20…");
    if (host.len == 0)
        return problem_set(p, "\"%.*s\" is no URL; write one such as http://127.0.0.1:4318",
                           STR_ARG(str_sub(url, 0, 80)));
    if (str_index(url, '?') >= 0 || str_index(url, '#') >= 0 || str_index(url, ' ') >= 0)
        return problem_set(p, "the URL has more than a host and a path; write one such as "
                              "https://otlp.example.com/otlp");
    return 0;
}

/* name=value with commas between, as otlp-headers has them. */
static bool fields_are(struct str list)
{
    while (list.ptr && list.len) {
        struct str value, name = str_trim(str_cut(str_cut(list, ',', &list), '=', &value));

        if (name.len == 0 || !value.ptr)
            return false;
        for (size_t i = 0; i < name.len; i++)
            if (name.ptr[i] <= ' ' || name.ptr[i] > '~' ||
                memchr("():;<>@\\\"/[]?={}", name.ptr[i], 17))
                return false;
    }
    return true;
}

static int otlp_check(const struct settings *s, struct problem *p)
{
    const struct {
        const char *name;
        struct str url;
    } urls[] = { { "otlp", s->otlp },
                 { "otlp-traces-url", s->otlp_traces },
                 { "otlp-metrics-url", s->otlp_metrics } };
    const struct settings_row *row;

    for (u32 i = 0; i < ARRAY_LEN(urls); i++) {
        row = settings_row_find(str_of(urls[i].name), NULL);
        if (urls[i].url.len && url_check(urls[i].url, p))
            return settings_problem_place(p, row, settings_origin_of(s, row));
    }
    row = settings_row_find(STR("otlp-headers"), NULL);
    if (fields_are(s->otlp_headers))
        return 0;
    problem_set(p, "it is no list of header fields; write name=value, with commas between");
    return settings_problem_place(p, row, settings_origin_of(s, row));
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
    if (otlp_check(s, p))
        return -EINVAL;
    row = settings_row_find(STR("cache-key"), NULL);
    if (cachewords_check(s->request.cache_key, p))
        return settings_problem_place(p, row, settings_origin_of(s, row));
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
