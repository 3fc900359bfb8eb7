/* app/env_view.c -- `fettle env`: the environment of an app's workers */
#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/row.h"
#include "base/clock.h"
#include "conf/json_write.h"

#define ANSWER_NS (5 * NS_PER_S)

static int fetch(struct control_app *app, const struct control_options *o,
                 struct json_value **answer)
{
    AUTO(buf_done) struct buf ask = { 0 };
    int err;

    buf_add(&ask, STR("{\"do\":\"env\",\"app\":\""));
    buf_add_json(&ask, app->name);
    buf_addf(&ask, "\",\"show_secrets\":%s", o->show_secrets ? "true" : "false");
    if (app->worker)
        buf_addf(&ask, ",\"worker\":%u", app->worker);
    buf_addc(&ask, '}');
    err = ask.failed ? -ENOMEM : control_peer_ask(app->peer, buf_str(&ask));
    return err ? err : control_peer_hear(app->peer, clock_now_ns() + ANSWER_NS, answer);
}

static int print(const struct json_value *answer, bool json)
{
    const struct json_value *env = json_value_member(answer, "env"), *value;
    AUTO(buf_done) struct buf out = { 0 };
    struct str name;

    if (json) {
        json_write(env, &out);
        buf_addc(&out, '\n');
    }
    for (void *at = NULL; !json && json_value_each(env, &at, &name, &value);)
        buf_addf(&out, "%.*s=%.*s\n", STR_ARG(name), STR_ARG(json_value_text(value)));
    return command_print(&out);
}

/* «env 2» where there is one app: its second worker. */
static int app_take(struct control_peers *ps, const struct control_options *o,
                    const struct settings_args *args, char **argv, struct control_app *app,
                    struct problem *p)
{
    const char *first = args->operands ? argv[args->operand[0]] : NULL;
    const char *number = args->operands > 1 ? argv[args->operand[1]] : NULL;
    u64 worker;
    int err = control_peers_app(ps, o, first, app, p);

    if (err == -ENOENT && args->operands == 1 && str_to_u64(str_of(first), &worker)) {
        number = first;
        err = control_peers_app(ps, o, NULL, app, p);
    }
    if (err || !number)
        return err;
    if (!str_to_u64(str_of(number), &worker) || worker < 1 || worker > 128)
        return problem_set(p, "\"%.100s\" is no worker; write its number, from 1", number);
    app->worker = (u32)worker;
    return 0;
}

int env_command(int argc, char **argv)
{
    AUTO(control_options_done) struct control_options o = { 0 };
    AUTO(control_peers_done) struct control_peers ps = { 0 };
    AUTO(json_value_freep) struct json_value *answer = NULL;
    struct settings_args args;
    struct control_app app;
    struct problem p = { 0 };
    int code = control_options_read(&o, &env_flags, argc, argv, &args), err;

    if (code)
        return max(code, 0);
    if (args.operands > 2)
        return command_usage("env shows one app; \"%.100s\" is one word too many",
                             argv[args.operand[2]]);
    control_peers_open(&ps, &o);
    err = app_take(&ps, &o, &args, argv, &app, &p);
    if (err) {
        command_problem(&p);
        return err == -ENOENT ? EXIT_MISSING : EXIT_USAGE;
    }
    err = fetch(&app, &o, &answer);
    if (!err && json_value_member(answer, "env"))
        return print(answer, o.json);
    problem_set(&p, "%.*s: %.*s", STR_ARG(app.name),
                STR_ARG(err ? str_of(strerror(-err)) : row_text(answer, "error")));
    command_problem(&p);
    return EXIT_APP;
}
