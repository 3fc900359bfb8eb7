/* worker/order.c -- one request that came over the control socket */
#include "worker/order.h"

#include "conf/json_value.h"

#include <signal.h>

enum { SIGNAL_NAME_MAX = 16 };

static const char *const names[ORDER_VERBS] = {
    [ORDER_PS] = "ps",         [ORDER_DESCRIBE] = "describe", [ORDER_ENV] = "env",
    [ORDER_RELOAD] = "reload", [ORDER_RESTART] = "restart",   [ORDER_STOP] = "stop",
    [ORDER_START] = "start",   [ORDER_SCALE] = "scale",       [ORDER_SIGNAL] = "signal",
    [ORDER_HOLD] = "hold",     [ORDER_LOGS] = "logs",         [ORDER_UPGRADE] = "upgrade",
    [ORDER_PURGE] = "purge",
};

const char *order_name(enum order_verb verb)
{
    return verb < ORDER_VERBS ? names[verb] : "?";
}

int order_signal(struct str name)
{
    char upper[SIGNAL_NAME_MAX];
    u64 number;

    if (str_to_u64(name, &number))
        return number >= 1 && number < (u64)SIGRTMIN ? (int)number : 0;
    if (str_starts_nocase(name, STR("SIG")))
        name = str_sub(name, 3, name.len);
    if (name.len == 0 || name.len >= sizeof(upper))
        return 0;
    for (size_t i = 0; i < name.len; i++)
        upper[i] =
            (char)(name.ptr[i] >= 'a' && name.ptr[i] <= 'z' ? name.ptr[i] - 32 : name.ptr[i]);
    for (int i = 1; i < SIGRTMIN; i++) {
        const char *known = sigabbrev_np(i);

        if (known && str_eq(str_make(upper, name.len), str_of(known)))
            return i;
    }
    return 0;
}

static int verb_read(struct order *o, const struct json_value *v, struct problem *p)
{
    for (u32 i = 0; i < ORDER_VERBS; i++) {
        if (str_eq(json_value_text(v), str_of(names[i]))) {
            o->verb = i;
            return 0;
        }
    }
    return problem_set(p, "this fettle does not know how to do \"%.*s\"",
                       STR_ARG(str_sub(json_value_text(v), 0, 80)));
}

static int app_read(struct order *o, const struct json_value *v, struct problem *p)
{
    struct str text = json_value_text(v);

    if (json_value_kind(v) != JSON_VALUE_TEXT || text.len >= sizeof(o->app))
        return problem_set(p, "\"app\" is to be the name of an app, of less than %d bytes",
                           ORDER_APP_MAX);
    str_to_cstr(text, o->app, sizeof(o->app));
    return 0;
}

static int number_read(u32 *out, const struct json_value *v, const char *name, u32 most,
                       struct problem *p)
{
    u64 n;

    if (!json_value_u64(v, &n) || n < 1 || n > most)
        return problem_set(p, "\"%s\" is to be a number from 1 to %u", name, most);
    *out = (u32)n;
    return 0;
}

static int by_read(struct order *o, const struct json_value *v, struct problem *p)
{
    struct str text = json_value_number(v);
    bool less = str_starts(text, STR("-"));
    u64 n;

    if (!str_to_u64(str_sub(text, less, text.len), &n) || n < 1 || n > ORDER_WORKERS_MAX)
        return problem_set(p, "\"by\" is to be a number from -%d to %d, and not 0",
                           ORDER_WORKERS_MAX, ORDER_WORKERS_MAX);
    o->by = less ? -(int)n : (int)n;
    return 0;
}

static int signal_read(struct order *o, const struct json_value *v, struct problem *p)
{
    o->signal = order_signal(json_value_text(v));
    if (!o->signal)
        return problem_set(p, "\"%.*s\" is no signal; write one such as SIGUSR2",
                           STR_ARG(str_sub(json_value_text(v), 0, 80)));
    return 0;
}

/* What a purge is for: a text without spaces or control characters. */
static int text_read(char *out, size_t room, const struct json_value *v, const char *name,
                     struct problem *p)
{
    struct str text = json_value_text(v);

    for (size_t i = 0; i < text.len; i++)
        if ((u8)text.ptr[i] <= ' ' || text.ptr[i] == 127)
            text.len = 0;
    if (text.len == 0 || text.len >= room)
        return problem_set(p, "\"%s\" is to be a text of 1 to %zu characters without spaces", name,
                           room - 1);
    str_to_cstr(text, out, room);
    return 0;
}

static int member_read(struct order *o, struct str name, const struct json_value *v,
                       struct problem *p)
{
    if (str_eq(name, STR("do")))
        return verb_read(o, v, p);
    if (str_eq(name, STR("app")))
        return app_read(o, v, p);
    if (str_eq(name, STR("worker")))
        return number_read(&o->worker, v, "worker", ORDER_WORKERS_MAX, p);
    if (str_eq(name, STR("wait_ms")))
        return number_read(&o->wait_ms, v, "wait_ms", ORDER_WAIT_MS_MAX, p);
    if (str_eq(name, STR("workers")))
        return number_read(&o->workers, v, "workers", ORDER_WORKERS_MAX, p);
    if (str_eq(name, STR("by")))
        return by_read(o, v, p);
    if (str_eq(name, STR("auto"))) {
        o->automatic = json_value_kind(v) == JSON_VALUE_TRUE;
        return 0;
    }
    if (str_eq(name, STR("last"))) {
        o->last = json_value_kind(v) == JSON_VALUE_TRUE;
        return 0;
    }
    if (str_eq(name, STR("follow"))) {
        o->follow = json_value_kind(v) == JSON_VALUE_TRUE;
        return 0;
    }
    if (str_eq(name, STR("from")))
        return json_value_u64(v, &o->from)
                   ? 0
                   : problem_set(p, "\"from\" is to be where an earlier answer ended");
    if (str_eq(name, STR("path")))
        return text_read(o->path, sizeof(o->path), v, "path", p);
    if (str_eq(name, STR("tag")))
        return text_read(o->tag, sizeof(o->tag), v, "tag", p);
    if (str_eq(name, STR("everything"))) {
        o->everything = json_value_kind(v) == JSON_VALUE_TRUE;
        return 0;
    }
    if (str_eq(name, STR("signal")))
        return signal_read(o, v, p);
    if (!str_eq(name, STR("show_secrets")))
        return problem_set(p, "this fettle does not know what \"%.*s\" in a request means",
                           STR_ARG(str_sub(name, 0, 80)));
    o->show_secrets = json_value_kind(v) == JSON_VALUE_TRUE;
    return 0;
}

/* What may stand in a request besides what to do. */
enum takes {
    TAKES_APP = BIT(0),
    TAKES_WORKER = BIT(1),
    TAKES_AMOUNT = BIT(2),
    TAKES_SIGNAL = BIT(3),
    TAKES_SECRETS = BIT(4),
    TAKES_LAST = BIT(5),
    TAKES_FOLLOW = BIT(6),
    TAKES_WAIT = BIT(7),
    TAKES_PURGE = BIT(8),
};

static const u32 takes[ORDER_VERBS] = {
    [ORDER_PS] = TAKES_APP,
    [ORDER_DESCRIBE] = TAKES_APP | TAKES_WORKER,
    [ORDER_ENV] = TAKES_APP | TAKES_WORKER | TAKES_SECRETS,
    [ORDER_RELOAD] = TAKES_APP | TAKES_WORKER,
    [ORDER_RESTART] = TAKES_APP | TAKES_WORKER,
    [ORDER_STOP] = TAKES_APP | TAKES_LAST,
    [ORDER_START] = TAKES_APP,
    [ORDER_SCALE] = TAKES_APP | TAKES_AMOUNT,
    [ORDER_SIGNAL] = TAKES_APP | TAKES_WORKER | TAKES_SIGNAL,
    [ORDER_HOLD] = TAKES_APP | TAKES_WORKER | TAKES_WAIT,
    [ORDER_LOGS] = TAKES_APP | TAKES_FOLLOW,
    [ORDER_PURGE] = TAKES_APP | TAKES_PURGE,
    [ORDER_UPGRADE] = 0,
};

/* What belongs to the verb is there, and nothing that would be passed over. */
static int check(const struct order *o, struct problem *p)
{
    u32 scales = (o->workers > 0) + (o->by != 0) + o->automatic;
    u32 purges = (*o->path != 0) + (*o->tag != 0) + o->everything;
    u32 given = (*o->app ? TAKES_APP : 0) | (o->worker ? TAKES_WORKER : 0) |
                (scales ? TAKES_AMOUNT : 0) | (o->signal ? TAKES_SIGNAL : 0) |
                (o->show_secrets ? TAKES_SECRETS : 0) | (o->last ? TAKES_LAST : 0) |
                (o->follow || o->from ? TAKES_FOLLOW : 0) | (o->wait_ms ? TAKES_WAIT : 0) |
                (purges ? TAKES_PURGE : 0);

    if (o->verb == ORDER_VERBS)
        return problem_set(p, "a request has to say what to \"do\"");
    if (o->verb == ORDER_SIGNAL && !o->signal)
        return problem_set(p, "which \"signal\" is to be sent?");
    if (o->verb == ORDER_HOLD && !o->worker)
        return problem_set(p, "which \"worker\" is to be held?");
    if (o->verb == ORDER_SCALE && scales != 1)
        return problem_set(p, "scale needs either \"workers\", \"by\" or \"auto\"");
    if (o->verb == ORDER_PURGE && purges != 1)
        return problem_set(p, "purge needs either a \"path\", a \"tag\" or \"everything\"");
    if (given & ~takes[o->verb])
        return problem_set(p, "%s takes no such thing", order_name(o->verb));
    return 0;
}

int order_read(struct order *out, struct str line, struct problem *p)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    const struct json_value *v;
    struct str name;
    int err;

    *out = (struct order){ .verb = ORDER_VERBS };
    *p = (struct problem){ 0 };
    if (line.len > ORDER_BYTES_MAX)
        return problem_set(p, "a request is longer than %d bytes", ORDER_BYTES_MAX);
    err = json_value_parse(&root, line, "", p);
    if (err)
        return err;
    if (json_value_kind(root) != JSON_VALUE_OBJECT)
        return problem_set(p, "a request is a JSON object on a line, such as {\"do\":\"ps\"}");
    for (void *at = NULL; json_value_each(root, &at, &name, &v);) {
        err = member_read(out, name, v, p);
        if (err)
            return err;
    }
    return check(out, p);
}
