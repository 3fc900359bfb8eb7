/* worker/workenv.c -- the environment with which a worker starts */
#include "worker/workenv.h"

#include "base/buf.h"

#include <stdarg.h>

struct env {
    char **vars;
    u32 count, room;
    bool failed;
};

static struct str var_name(const char *var)
{
    struct str rest;

    return str_cut(str_of(var), '=', &rest);
}

static i64 env_find(const struct env *e, struct str name)
{
    for (u32 i = 0; i < e->count; i++)
        if (str_eq(var_name(e->vars[i]), name))
            return i;
    return -1;
}

static struct str env_get(const struct env *e, const char *name)
{
    i64 i = env_find(e, str_of(name));

    return i < 0 ? (struct str){ 0 } : str_of(e->vars[i] + strlen(name) + 1);
}

/* Puts "NAME=value" in, instead of an older one of the same name. */
static void env_put(struct env *e, const char *var)
{
    i64 at = env_find(e, var_name(var));
    char *copy = strdup(var);

    if (!copy) {
        e->failed = true;
        return;
    }
    if (at >= 0) {
        free(e->vars[at]);
        e->vars[at] = copy;
        return;
    }
    if (e->count + 1 >= e->room) {
        u32 room = max(64u, 2 * e->room);
        char **vars = reallocarray(e->vars, room, sizeof(*vars));

        if (!vars) {
            free(copy);
            e->failed = true;
            return;
        }
        e->vars = vars;
        e->room = room;
    }
    e->vars[e->count++] = copy;
    e->vars[e->count] = NULL;
}

static void env_putf(struct env *e, const char *fmt, ...) PRINTF(2, 3);
static void env_putf(struct env *e, const char *fmt, ...)
{
    char *var = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&var, fmt, args) < 0)
        var = NULL;
    va_end(args);
    if (var)
        env_put(e, var);
    else
        e->failed = true;
    free(var);
}

/* One argument in NODE_OPTIONS: Node splits at spaces, and takes what is in double quotes as it
 * stands but for backslashes. */
static void node_quote(struct buf *out, const char *arg)
{
    if (!strpbrk(arg, " \"\\")) {
        buf_add(out, str_of(arg));
        return;
    }
    buf_addc(out, '"');
    for (; *arg; arg++) {
        if (*arg == '"' || *arg == '\\')
            buf_addc(out, '\\');
        buf_addc(out, *arg);
    }
    buf_addc(out, '"');
}

static void put_node_options(struct env *e, const struct workenv_conf *conf)
{
    AUTO(buf_done) struct buf v = { 0 };
    struct str users = env_get(e, "NODE_OPTIONS");

    buf_add(&v, STR("NODE_OPTIONS="));
    buf_add(&v, users);
    buf_add(&v, users.len ? STR(" --require ") : STR("--require "));
    node_quote(&v, conf->agent_js);
    buf_addc(&v, '\0');
    e->failed |= v.failed;
    if (!v.failed)
        env_put(e, v.ptr);
}

static void put_path(struct env *e, const struct workenv_conf *conf)
{
    const char *slash = conf->node_path ? strrchr(conf->node_path, '/') : NULL;
    struct str path = env_get(e, "PATH");

    if (conf->is_node || !slash || slash == conf->node_path)
        return;
    env_putf(e, "PATH=%.*s%s%.*s", (int)(slash - conf->node_path), conf->node_path,
             path.len ? ":" : "", STR_ARG(path));
}

static void put_preload(struct env *e, const struct workenv_conf *conf)
{
    struct str users = env_get(e, "LD_PRELOAD");

    if (conf->preload)
        env_putf(e, "LD_PRELOAD=%s%s%.*s", conf->preload, users.len ? ":" : "", STR_ARG(users));
}

/* As pm2's increment_var: PORT=3000 becomes 3000, 3001, … */
static void put_increment(struct env *e, const struct workenv_conf *conf)
{
    u64 n = 0;

    if (!conf->increment_var)
        return;
    if (!str_to_u64(str_trim(env_get(e, conf->increment_var)), &n) || n > UINT32_MAX)
        n = 0;
    env_putf(e, "%s=%llu", conf->increment_var, (unsigned long long)n + conf->instance);
}

int workenv_new(char ***out, const struct workenv_conf *conf)
{
    struct env e = { 0 };
    const char *at = conf->file_env ? conf->file_env->bytes.ptr : NULL;

    for (u32 i = 0; at && i < conf->file_env->count; i++, at += strlen(at) + 1)
        env_put(&e, at);
    for (char *const *v = conf->base_env; v && *v; v++)
        if (!str_starts(str_of(*v), STR("FETTLE_")) &&
            !str_starts(str_of(*v), STR("NODE_CHANNEL_FD=")) && strchr(*v, '='))
            env_put(&e, *v);
    for (char *const *v = conf->extra_env; v && *v; v++)
        env_put(&e, *v);
    put_node_options(&e, conf);
    put_path(&e, conf);
    put_preload(&e, conf);
    env_putf(&e, "FETTLE_DIR=%s", conf->dir);
    env_putf(&e, "FETTLE_WORKER=%u", conf->worker);
    env_putf(&e, "%s=%u", conf->instance_var ? conf->instance_var : "NODE_APP_INSTANCE",
             conf->instance);
    put_increment(&e, conf);
    if (conf->channel) {
        env_put(&e, "NODE_CHANNEL_FD=3");
        env_put(&e, "NODE_CHANNEL_SERIALIZATION_MODE=json");
    }
    if (conf->is_node)
        env_put(&e, "FETTLE_SPAWNED=1");
    if (e.failed || !e.vars) {
        workenv_free(e.vars);
        return -ENOMEM;
    }
    *out = e.vars;
    return 0;
}

void workenv_free(char **env)
{
    for (char **v = env; v && *v; v++)
        free(*v);
    free(env);
}
