/* app/upgrade.c -- `fettle upgrade`: another fettle takes over from one that runs */
#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/row.h"
#include "app/step.h"
#include "base/clock.h"
#include "conf/json_write.h"

struct upgrade {
    struct control_options options;
    struct control_peers peers;
    u64 until_ns;
    bool shows;
};

static void upgrade_done(struct upgrade *u)
{
    control_options_done(&u->options);
    control_peers_done(&u->peers);
}

/* The names of what it runs, for people. */
static void names_add(const struct control_peer *peer, struct buf *out)
{
    const struct json_value *apps = json_value_member(peer->said, "apps");

    for (u32 i = 0; i < json_value_count(apps) && !out->failed; i++)
        buf_addf(out, "%s%.*s", i ? ", " : "",
                 STR_ARG(str_sub(row_text(json_value_at(apps, i), "name"), 0, 60)));
}

static int failed(const struct upgrade *u, struct str names, struct str why,
                  const struct json_value *lines)
{
    struct problem p = { 0 };

    if (u->options.json) {
        AUTO(buf_done) struct buf out = { 0 };

        buf_add(&out, STR("{\"ok\":false,\"error\":\""));
        buf_add_json(&out, why);
        buf_add(&out, STR("\"}\n"));
        (void)command_print(&out);
        return EXIT_APP;
    }
    problem_set(&p, "%.*s: %.*s%s", STR_ARG(str_sub(names, 0, 200)), STR_ARG(why),
                json_value_count(lines) ? ". It said:" : "");
    command_problem(&p);
    for (u32 i = 0; i < json_value_count(lines); i++)
        fprintf(stderr, "    %.*s\n", STR_ARG(json_value_text(json_value_at(lines, i))));
    return EXIT_APP;
}

static int broken(const struct upgrade *u, struct str names, int err)
{
    if (err == -ETIMEDOUT)
        return failed(u, names, STR("not done within --timeout; it goes on"), NULL);
    if (err == -EPIPE)
        return failed(u, names, STR("it has ended before it was done"), NULL);
    return failed(u, names, str_of(strerror(-err)), NULL);
}

static int result_print(const struct upgrade *u, struct str names, const struct json_value *said)
{
    AUTO(buf_done) struct buf out = { 0 };
    bool ok = json_value_kind(json_value_member(said, "ok")) == JSON_VALUE_TRUE;
    int code;

    if (u->options.json) {
        json_write(said, &out);
        buf_addc(&out, '\n');
        code = command_print(&out);
        return ok ? code : EXIT_APP;
    }
    if (!ok)
        return failed(u, names, row_text(said, "error"), json_value_member(said, "lines"));
    buf_addf(&out, "%.*s: %.*s\n", STR_ARG(names), STR_ARG(row_text(said, "text")));
    return command_print(&out);
}

static int one(struct upgrade *u, struct control_peer *peer)
{
    AUTO(buf_done) struct buf names = { 0 };
    int err = control_peer_again(peer);

    names_add(peer, &names);
    if (names.failed)
        err = -ENOMEM;
    if (!err)
        err = control_peer_ask(peer, STR("{\"do\":\"upgrade\"}"));
    while (!err) {
        AUTO(json_value_freep) struct json_value *said = NULL;

        err = control_peer_hear(peer, u->until_ns, &said);
        if (err)
            break;
        if (json_value_member(said, "ok"))
            return result_print(u, buf_str(&names), said);
        if (u->shows)
            step_line(buf_str(&names), 0, row_text(said, "text"));
    }
    return broken(u, buf_str(&names), err);
}

static int all(struct upgrade *u)
{
    int code = EXIT_OK;

    for (u32 i = 0; i < u->peers.count; i++)
        if (!u->options.pid || u->peers.peer[i].found.pid == u->options.pid)
            code = max(code, one(u, &u->peers.peer[i]));
    return code;
}

static int run(struct upgrade *u, const char *word)
{
    struct control_app app;
    struct problem p = { 0 };
    int err;

    u->until_ns = u->options.timeout_ns ? clock_now_ns() + u->options.timeout_ns : UINT64_MAX;
    u->shows = step_is_shown(u->options.json);
    control_peers_open(&u->peers, &u->options);
    if (!word && u->peers.count == 1 &&
        (!u->options.pid || u->peers.peer[0].found.pid == u->options.pid))
        return one(u, &u->peers.peer[0]); /* whatever it runs */
    err = control_peers_app(&u->peers, &u->options, word, &app, &p);
    if (err == -ENOENT && word && strcmp(word, "all") == 0 && u->peers.count)
        return all(u);
    if (err) {
        command_problem(&p);
        return err == -ENOENT ? EXIT_MISSING : EXIT_USAGE;
    }
    return one(u, app.peer);
}

int upgrade_command(int argc, char **argv)
{
    AUTO(upgrade_done) struct upgrade u = { 0 };
    struct settings_args args;
    int code = control_options_read(&u.options, &upgrade_flags, argc, argv, &args);

    if (code)
        return max(code, 0);
    if (args.operands > 1)
        return command_usage("\"%.100s\" is one word too many; upgrade is for the fettle of one "
                             "app, or for all",
                             argv[args.operand[1]]);
    return run(&u, args.operands ? argv[args.operand[0]] : NULL);
}
