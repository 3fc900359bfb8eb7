/* conf/pm2_keys.c -- the keys of pm2's ecosystem files, and what becomes of each */
#include "base/clock.h"
#include "conf/json_write.h"
#include "conf/pm2_reader.h"
#include "conf/words.h"

#define SHOWN(text) STR_ARG(str_sub(text, 0, 80))

void pm2_found(struct pm2_reader *r, enum finding_kind kind, u32 line, const char *what)
{
    if (kind == FINDING_MISTAKE || !r->quiet)
        findings_add(r->findings, kind, r->from->file, line, "apps[%u].%.80s: %s", r->index, r->key,
                     what);
}

void pm2_mistake(struct pm2_reader *r, const struct json_value *v, const char *right)
{
    AUTO(buf_done) struct buf text = { 0 };
    AUTO(buf_done) struct buf shown = { 0 };

    json_write(v, &shown);
    buf_addf(&text, "%.*s stands here; write %s", SHOWN(buf_str(&shown)), right);
    buf_addc(&text, 0);
    r->failed |= text.failed || shown.failed;
    if (!text.failed)
        pm2_found(r, FINDING_MISTAKE, json_value_line(v), text.ptr);
}

void pm2_set(struct pm2_reader *r, const char *setting, struct str value, u32 line)
{
    AUTO(buf_done) struct buf key = { 0 };
    struct settings_origin origin = { SETTINGS_FILE_APP, str_of(r->from->file), line, { 0 } };
    struct problem p;
    int err;

    buf_addf(&key, "apps[%u].%.80s", r->index, r->key);
    origin.key = buf_str(&key);
    err = key.failed ? -ENOMEM
                     : settings_set(r->settings, settings_row_find(str_of(setting), NULL), value,
                                    &origin, &p);
    if (err == -EINVAL)
        findings_put(r->findings, FINDING_MISTAKE, &p);
    else if (err)
        r->failed = true;
}

/* A number, also one that stands in a text, as pm2 takes it. False: neither. */
static bool number_of(const struct json_value *v, u64 *n)
{
    return json_value_u64(v, n) || str_to_u64(json_value_text(v), n);
}

static void set_ms(struct pm2_reader *r, const char *setting, const struct json_value *v)
{
    AUTO(buf_done) struct buf text = { 0 };
    u64 ms;

    if (!number_of(v, &ms)) {
        pm2_mistake(r, v, "a number of milliseconds");
        return;
    }
    buf_addf(&text, "%llums", (unsigned long long)ms);
    r->failed |= text.failed;
    pm2_set(r, setting, buf_str(&text), json_value_line(v));
}

/* The text of `v`; a mistake is found when it is none. */
static struct str text_of(struct pm2_reader *r, const struct json_value *v)
{
    if (json_value_kind(v) != JSON_VALUE_TEXT || json_value_text(v).len == 0)
        pm2_mistake(r, v, "a text");
    return json_value_text(v);
}

/* A list of texts, or one text that is split into words. */
static void words_of(struct pm2_reader *r, const struct json_value *v, struct buf *out)
{
    AUTO(buf_done) struct buf ignored = { 0 };
    const struct json_value *one;
    struct str name, text;
    u32 count;

    if (json_value_kind(v) == JSON_VALUE_TEXT) {
        text = json_value_text(v);
        if (words_split(text, &ignored, &count) == WORDS_OPEN)
            pm2_mistake(r, v, "a text in which each quote is closed");
        else
            buf_addf(out, "%s%.*s", out->len ? " " : "", STR_ARG(text));
        return;
    }
    if (json_value_kind(v) != JSON_VALUE_ARRAY) {
        pm2_mistake(r, v, "a text or a list of texts");
        return;
    }
    for (void *at = NULL; json_value_each(v, &at, &name, &one);) {
        AUTO(buf_done) struct buf plain = { 0 };

        /* Numbers among the arguments are common: ["--port", 3000]. */
        text = json_value_kind(one) == JSON_VALUE_TEXT ? json_value_text(one)
                                                       : (json_write(one, &plain), buf_str(&plain));
        if (out->len)
            buf_addc(out, ' ');
        words_quote(text, out);
        r->failed |= plain.failed;
    }
}

static void script_read(struct pm2_reader *r, const struct json_value *v)
{
    r->script = text_of(r, v);
}

static void name_read(struct pm2_reader *r, const struct json_value *v)
{
    r->name = text_of(r, v);
}

static void cwd_read(struct pm2_reader *r, const struct json_value *v)
{
    r->cwd = text_of(r, v);
}

static void interpreter_read(struct pm2_reader *r, const struct json_value *v)
{
    r->interpreter = text_of(r, v);
}

static void args_read(struct pm2_reader *r, const struct json_value *v)
{
    words_of(r, v, &r->args);
}

static void node_args_read(struct pm2_reader *r, const struct json_value *v)
{
    words_of(r, v, &r->interpreter_args);
}

static void instances_read(struct pm2_reader *r, const struct json_value *v)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct str number = json_value_number(v);
    u64 n;

    if (json_value_kind(v) == JSON_VALUE_TEXT)
        number = str_trim(json_value_text(v));
    if (str_eq(number, STR("max")) || str_eq(number, STR("0")))
        buf_add(&text, STR("auto"));
    else if (str_starts(number, STR("-")) && str_to_u64(str_sub(number, 1, number.len), &n))
        buf_addu(&text, n < r->from->cpus ? r->from->cpus - n : 1);
    else if (str_to_u64(number, &n))
        buf_addu(&text, n);
    else {
        pm2_mistake(r, v, "a number, or \"max\"");
        return;
    }
    r->instances = true;
    r->failed |= text.failed;
    pm2_set(r, "workers", buf_str(&text), json_value_line(v));
}

static void memory_read(struct pm2_reader *r, const struct json_value *v)
{
    struct str text = json_value_text(v);

    pm2_set(r, "max-memory", text.len ? text : json_value_number(v), json_value_line(v));
}

static void kill_timeout_read(struct pm2_reader *r, const struct json_value *v)
{
    set_ms(r, "kill-after", v);
}

/* pm2 takes a worker for started by then; here it would count as failed. */
static void listen_timeout_read(struct pm2_reader *r, const struct json_value *v)
{
    u64 ms;

    if (!number_of(v, &ms))
        pm2_mistake(r, v, "a number of milliseconds");
    else if (ms > r->settings->start_timeout_ns / NS_PER_MS && r->settings->start_timeout_ns)
        set_ms(r, "start-timeout", v);
}

/* A list of texts, or one text, for a setting that is a list. */
static void list_of(struct pm2_reader *r, const char *setting, const struct json_value *v)
{
    const struct json_value *one;
    struct str name;

    if (json_value_kind(v) == JSON_VALUE_TEXT || json_value_kind(v) == JSON_VALUE_NUMBER) {
        pm2_set(r, setting, json_value_text(v).len ? json_value_text(v) : json_value_number(v),
                json_value_line(v));
        return;
    }
    if (json_value_kind(v) != JSON_VALUE_ARRAY)
        pm2_mistake(r, v, "a text or a list of texts");
    for (void *at = NULL;
         json_value_kind(v) == JSON_VALUE_ARRAY && json_value_each(v, &at, &name, &one);)
        pm2_set(r, setting,
                json_value_text(one).len ? json_value_text(one) : json_value_number(one),
                json_value_line(one));
}

static void env_file_read(struct pm2_reader *r, const struct json_value *v)
{
    if (json_value_kind(v) != JSON_VALUE_OBJECT) /* which is env_NAME of an unlucky NAME */
        list_of(r, "env-file", v);
}

static void flag_set(struct pm2_reader *r, const char *setting, const struct json_value *v)
{
    enum json_value_kind kind = json_value_kind(v);

    if (kind != JSON_VALUE_TRUE && kind != JSON_VALUE_FALSE)
        pm2_mistake(r, v, "true or false");
    else
        pm2_set(r, setting, kind == JSON_VALUE_TRUE ? STR("on") : STR("off"), json_value_line(v));
}

static void wait_ready_read(struct pm2_reader *r, const struct json_value *v)
{
    flag_set(r, "wait-ready", v);
}

static void shutdown_read(struct pm2_reader *r, const struct json_value *v)
{
    flag_set(r, "shutdown-message", v);
}

static void autorestart_read(struct pm2_reader *r, const struct json_value *v)
{
    flag_set(r, "autorestart", v);
}

static void cron_read(struct pm2_reader *r, const struct json_value *v)
{
    pm2_set(r, "restart-at", text_of(r, v), json_value_line(v));
}

static void stop_codes_read(struct pm2_reader *r, const struct json_value *v)
{
    list_of(r, "stop-exit-codes", v);
}

static void max_restarts_read(struct pm2_reader *r, const struct json_value *v)
{
    struct str number = json_value_number(v);

    r->max_restarts = true;
    pm2_set(r, "max-restarts", number.len ? number : text_of(r, v), json_value_line(v));
}

/* A number of milliseconds, or a text such as "10s". */
static void time_set(struct pm2_reader *r, const char *setting, const struct json_value *v)
{
    u64 ms;

    if (number_of(v, &ms))
        set_ms(r, setting, v);
    else
        pm2_set(r, setting, text_of(r, v), json_value_line(v));
}

static void min_uptime_read(struct pm2_reader *r, const struct json_value *v)
{
    r->min_uptime = true;
    time_set(r, "min-uptime", v);
}

static void restart_delay_read(struct pm2_reader *r, const struct json_value *v)
{
    time_set(r, "restart-delay", v);
}

static void backoff_read(struct pm2_reader *r, const struct json_value *v)
{
    time_set(r, "restart-backoff", v);
}

static void watch_read(struct pm2_reader *r, const struct json_value *v)
{
    if (json_value_kind(v) == JSON_VALUE_TRUE)
        pm2_set(r, "watch", STR("on"), json_value_line(v));
    else
        r->watch = v; /* relates to cwd, which may come later */
}

static void watch_delay_read(struct pm2_reader *r, const struct json_value *v)
{
    time_set(r, "watch-delay", v);
}

static void ignore_watch_read(struct pm2_reader *r, const struct json_value *v)
{
    list_of(r, "watch-ignore", v);
}

static void log_type_read(struct pm2_reader *r, const struct json_value *v)
{
    if (str_eq(text_of(r, v), STR("json")))
        pm2_set(r, "log", STR("json"), json_value_line(v));
}

/* A path; true asks for pm2's own place, and fettle has none. */
static void log_path_read(struct pm2_reader *r, const struct json_value *v, enum pm2_log which)
{
    if (json_value_kind(v) == JSON_VALUE_TRUE)
        pm2_found(r, FINDING_WARNING, json_value_line(v), "write a path: there is no usual one");
    else
        r->log_file[which] = text_of(r, v);
}

static void log_file_read(struct pm2_reader *r, const struct json_value *v)
{
    log_path_read(r, v, PM2_LOG_ALL);
}

static void out_file_read(struct pm2_reader *r, const struct json_value *v)
{
    log_path_read(r, v, PM2_LOG_OUT);
}

static void error_file_read(struct pm2_reader *r, const struct json_value *v)
{
    log_path_read(r, v, PM2_LOG_ERROR);
}

static void date_format_read(struct pm2_reader *r, const struct json_value *v)
{
    pm2_set(r, "log-date-format", text_of(r, v), json_value_line(v));
}

static void pid_file_read(struct pm2_reader *r, const struct json_value *v)
{
    r->pid_file = text_of(r, v);
}

static void disable_logs_read(struct pm2_reader *r, const struct json_value *v)
{
    r->no_logs = json_value_kind(v) == JSON_VALUE_TRUE;
}

static void source_maps_read(struct pm2_reader *r, const struct json_value *v)
{
    r->source_maps = json_value_kind(v) == JSON_VALUE_TRUE;
}

void pm2_env_add(struct pm2_reader *r, struct str name, struct str value)
{
    strings_addf(&r->app->env, "%.*s=%.*s", STR_ARG(name), STR_ARG(value));
}

static void port_read(struct pm2_reader *r, const struct json_value *v)
{
    u64 n;

    if (!number_of(v, &n) || n > 65535) {
        pm2_mistake(r, v, "a number from 1 to 65535");
        return;
    }
    pm2_env_add(r, STR("PORT"),
                json_value_kind(v) == JSON_VALUE_TEXT ? json_value_text(v) : json_value_number(v));
}

static void env_read(struct pm2_reader *r, const struct json_value *v)
{
    r->env = v;
}

static void filter_env_read(struct pm2_reader *r, const struct json_value *v)
{
    const struct json_value *one;
    struct str name;

    r->app->env_clear = json_value_kind(v) == JSON_VALUE_TRUE;
    if (json_value_kind(v) == JSON_VALUE_TEXT)
        strings_add(&r->app->env_no, json_value_text(v));
    for (void *at = NULL;
         json_value_kind(v) == JSON_VALUE_ARRAY && json_value_each(v, &at, &name, &one);)
        if (json_value_text(one).len)
            strings_add(&r->app->env_no, json_value_text(one));
}

static void env_in_name_read(struct pm2_reader *r, const struct json_value *v)
{
    r->env_in_name = json_value_kind(v) == JSON_VALUE_TRUE;
}

static void text_set(struct pm2_reader *r, const char *setting, const struct json_value *v)
{
    struct str number = json_value_number(v);

    pm2_set(r, setting, number.len ? number : text_of(r, v), json_value_line(v));
}

static void uid_read(struct pm2_reader *r, const struct json_value *v)
{
    text_set(r, "uid", v);
}

static void gid_read(struct pm2_reader *r, const struct json_value *v)
{
    text_set(r, "gid", v);
}

static void instance_var_read(struct pm2_reader *r, const struct json_value *v)
{
    text_set(r, "instance-var", v);
}

static void increment_var_read(struct pm2_reader *r, const struct json_value *v)
{
    text_set(r, "increment-var", v);
}

#define LOG_TIME "each line of a log file begins with its time, such as 2026-11-26T04:02:26.123Z"
#define PM2_PLUS                                                                             \
    "belongs to pm2.io; fettle has metrics and the stacks of blocked loops without loading " \
    "anything into the app"
#define DOCKER "is for pm2's Docker mode; fettle runs in a container as it is"

/* clang-format off */
const struct pm2_key pm2_keys[] = {
{ "script", "exec cmd command", PM2_HONOURED, "what is run: a file, a program in PATH, or a command line", script_read },
{ "name", NULL, PM2_HONOURED, "`name`; without it the script's name", name_read },
{ "cwd", NULL, PM2_HONOURED, "`cwd`", cwd_read },
{ "args", NULL, PM2_HONOURED, "the app's arguments", args_read },
{ "exec_interpreter", "interpreter", PM2_HONOURED, "`node`, when it is one; any other program runs the script without an event loop to see", interpreter_read },
{ "node_args", "interpreterArgs interpreter_args", PM2_HONOURED, "`node-args`", node_args_read },
{ "instances", NULL, PM2_HONOURED, "`workers`: 0 and \"max\" are auto, -1 is one less than the CPUs; one worker without it", instances_read },
{ "exec_mode", NULL, PM2_NOT_NEEDED, "workers are processes of their own and share the port in either mode", NULL },
{ "env", NULL, PM2_HONOURED, "the app's environment", env_read },
{ "env_NAME", NULL, PM2_HONOURED, "added to it with --env NAME", NULL },
{ "env_file", NULL, PM2_HONOURED, "`env-file`; pm2 7 itself leaves it aside, and Node has --env-file in node_args", env_file_read },
{ "filter_env", NULL, PM2_HONOURED, "variables that the app does not get", filter_env_read },
{ "port", NULL, PM2_HONOURED, "PORT in the app's environment", port_read },
{ "append_env_to_name", NULL, PM2_HONOURED, "the name is NAME-ENV with --env", env_in_name_read },
{ "max_memory_restart", NULL, PM2_HONOURED, "`max-memory`; the new worker serves before the old one ends", memory_read },
{ "kill_timeout", NULL, PM2_HONOURED, "`kill-after`: from SIGTERM to SIGKILL, after the requests in flight had the time of `drain`", kill_timeout_read },
{ "listen_timeout", NULL, PM2_HONOURED, "`start-timeout`, when it is longer than that", listen_timeout_read },
{ "wait_ready", NULL, PM2_HONOURED, "`wait-ready`: a worker gets requests when it has called process.send('ready')", wait_ready_read },
{ "shutdown_with_message", NULL, PM2_HONOURED, "`shutdown-message`, after the requests in flight had the time of `drain`", shutdown_read },
{ "cron_restart", "cron", PM2_HONOURED, "`restart-at`; a reload without a failed request", cron_read },
{ "autorestart", NULL, PM2_HONOURED, "`autorestart`", autorestart_read },
{ "stop_exit_codes", NULL, PM2_HONOURED, "`stop-exit-codes`; a worker that never listened and ends with exit code 0 has finished in any case", stop_codes_read },
{ "max_restarts", NULL, PM2_HONOURED, "`max-restarts`; without it, an app that was ready once is never given up", max_restarts_read },
{ "min_uptime", NULL, PM2_HONOURED, "`min-uptime`; with `max_restarts` and without this, pm2's second", min_uptime_read },
{ "restart_delay", NULL, PM2_HONOURED, "`restart-delay`", restart_delay_read },
{ "exp_backoff_restart_delay", NULL, PM2_HONOURED, "`restart-backoff`; it doubles up to 10 s, where pm2 goes up to 15 s", backoff_read },
{ "watch", NULL, PM2_HONOURED, "`watch`: true is the app's folder; only code and configuration count, where pm2 restarts for any file", watch_read },
{ "watch_delay", NULL, PM2_HONOURED, "`watch-delay`", watch_delay_read },
{ "ignore_watch", NULL, PM2_HONOURED, "`watch-ignore`: names and patterns as a shell has them, where pm2 has regular expressions too", ignore_watch_read },
{ "watch_options", NULL, PM2_NOT_NEEDED, "are for chokidar; links are not followed, and nothing is polled", NULL },
{ "log_type", NULL, PM2_HONOURED, "`log`: json", log_type_read },
{ "source_map_support", NULL, PM2_HONOURED, "true adds --enable-source-maps to `node-args`", source_maps_read },
{ "disable_source_map_support", NULL, PM2_NOT_NEEDED, "source maps are on only if they are asked for", NULL },
{ "uid", "user", PM2_HONOURED, "`uid`", uid_read },
{ "gid", NULL, PM2_HONOURED, "`gid`", gid_read },
{ "instance_var", NULL, PM2_HONOURED, "`instance-var`", instance_var_read },
{ "increment_var", NULL, PM2_HONOURED, "`increment-var`", increment_var_read },

{ "out_file", "out output out_log", PM2_HONOURED, "`log-file`, from the app's folder; all workers write to the one file, each line with its worker's number", out_file_read },
{ "error_file", "error err err_file err_log", PM2_HONOURED, "`error-file`", error_file_read },
{ "log_file", "log", PM2_HONOURED, "`log-file`, unless there is an out_file; both streams then go there, in order", log_file_read },
{ "disable_logs", NULL, PM2_HONOURED, "`log-file` and `error-file` are /dev/null", disable_logs_read },
{ "log_date_format", NULL, PM2_HONOURED, "`log-date-format`, in log files; without it, " LOG_TIME, date_format_read },
{ "time", NULL, PM2_NOT_NEEDED, LOG_TIME, NULL },
{ "pid_file", "pid", PM2_HONOURED, "`pid-file`: the process of the fettle that runs the app, to which TERM and HUP mean end and reload; workers come and go", pid_file_read },
{ "treekill", NULL, PM2_WARNED_OFF, "a worker's own children are ended with it", NULL },
{ "autostart", NULL, PM2_WARNED_OFF, "`fettle run` starts what it is told to start", NULL },

{ "merge_logs", "combine_logs", PM2_NOT_NEEDED, "all workers write to one file, and whole lines", NULL },
{ "namespace", NULL, PM2_NOT_NEEDED, "groups apps under pm2's daemon; those of one file are together here anyway", NULL },
{ "name_prefix", NULL, PM2_NOT_NEEDED, "pm2 takes it from its command line only", NULL },
{ "username", NULL, PM2_NOT_NEEDED, "pm2 fills it in itself", NULL },
{ "force", NULL, PM2_NOT_NEEDED, "each `fettle run` is a start of its own", NULL },
{ "execute_command", NULL, PM2_NOT_NEEDED, "asks for the fork mode, see `exec_mode`", NULL },
{ "write", NULL, PM2_NOT_NEEDED, "makes pm2 write a file of its settings; fettle config show --json prints them", NULL },
{ "install_url", NULL, PM2_NOT_NEEDED, "is for modules of pm2", NULL },
{ "post_update", NULL, PM2_NOT_NEEDED, "runs commands after a pull by pm2.io; fettle does not deploy", NULL },
{ "vizion", NULL, PM2_NOT_NEEDED, "reads the git state of the app; fettle does not look at it", NULL },
{ "kill_retry_time", NULL, PM2_NOT_NEEDED, "is how often pm2 looks whether a process has ended; fettle is told by the kernel", NULL },
{ "windowsHide", NULL, PM2_NOT_NEEDED, "is for Windows", NULL },
{ "pmx", NULL, PM2_NOT_NEEDED, PM2_PLUS, NULL },
{ "automation", NULL, PM2_NOT_NEEDED, PM2_PLUS, NULL },
{ "trace", NULL, PM2_NOT_NEEDED, PM2_PLUS, NULL },
{ "disable_trace", NULL, PM2_NOT_NEEDED, PM2_PLUS, NULL },
{ "v8", NULL, PM2_NOT_NEEDED, PM2_PLUS, NULL },
{ "event_loop_inspector", NULL, PM2_NOT_NEEDED, PM2_PLUS, NULL },
{ "deep_monitoring", NULL, PM2_NOT_NEEDED, PM2_PLUS, NULL },
{ "io", NULL, PM2_NOT_NEEDED, PM2_PLUS, NULL },
{ "container", NULL, PM2_NOT_NEEDED, DOCKER, NULL },
{ "dist", NULL, PM2_NOT_NEEDED, DOCKER, NULL },
{ "image_name", NULL, PM2_NOT_NEEDED, DOCKER, NULL },
{ "node_version", NULL, PM2_NOT_NEEDED, DOCKER, NULL },
{ "fresh", NULL, PM2_NOT_NEEDED, DOCKER, NULL },
{ "dockerdaemon", NULL, PM2_NOT_NEEDED, DOCKER, NULL },
};
const u32 pm2_key_count = ARRAY_LEN(pm2_keys);

const struct pm2_key pm2_top_keys[] = {
{ "apps", "pm2", PM2_HONOURED, "the apps: all of them run, or those that --only NAME,NAME says", NULL },
{ "deploy", NULL, PM2_NOT_NEEDED, "fettle does not deploy; of it, only deploy.NAME.env is taken with --env NAME", NULL },
{ "static", NULL, PM2_WARNED, "fettle does not serve folders of files", NULL },
};
const u32 pm2_top_key_count = ARRAY_LEN(pm2_top_keys);
/* clang-format on */

bool pm2_key_is(const struct pm2_key *key, struct str name)
{
    struct str rest = str_of(key->aliases), plain = str_of(key->name);
    size_t n = 0;

    if (str_eq(name, plain))
        return true;
    while (rest.ptr)
        if (str_eq(name, str_cut(rest, ' ', &rest)) && name.len)
            return true;
    for (size_t i = 0; i < plain.len; i++) {
        char c = plain.ptr[i];

        if (c == '_' && ++i < plain.len)
            c = (char)(plain.ptr[i] >= 'a' && plain.ptr[i] <= 'z' ? plain.ptr[i] - 32
                                                                  : plain.ptr[i]);
        if (n >= name.len || name.ptr[n++] != c)
            return false;
    }
    return n == name.len;
}

const struct pm2_key *pm2_key_find(struct str name)
{
    if (str_starts(name, STR("env_")) && name.len > 4 && !str_eq(name, STR("env_file")))
        name = STR("env_NAME");
    for (u32 i = 0; i < pm2_key_count; i++)
        if (pm2_key_is(&pm2_keys[i], name))
            return &pm2_keys[i];
    return NULL;
}

/* Whether a value asks for what its key is about: `watch: false` does not. */
static bool asks(const struct pm2_key *key, const struct json_value *v)
{
    u64 n;

    switch (json_value_kind(v)) {
    case JSON_VALUE_NONE:
    case JSON_VALUE_NULL:
        return false;
    case JSON_VALUE_TRUE:
        return key->fate != PM2_WARNED_OFF;
    case JSON_VALUE_FALSE:
        return key->fate == PM2_WARNED_OFF;
    case JSON_VALUE_TEXT:
        return json_value_text(v).len > 0 && !str_eq(json_value_text(v), STR("0"));
    case JSON_VALUE_NUMBER:
        return !(json_value_u64(v, &n) && n == 0);
    case JSON_VALUE_OBJECT:
    case JSON_VALUE_ARRAY:
        return json_value_count(v) > 0;
    }
    return true;
}

static void key_unknown(struct pm2_reader *r, struct str name, const struct json_value *v)
{
    AUTO(buf_done) struct buf text = { 0 };
    u32 least = 2 + (u32)name.len / 3, distance;
    const char *nearest = NULL;

    for (u32 i = 0; i < pm2_key_count; i++) {
        distance = str_distance(name, str_of(pm2_keys[i].name));
        if (distance < least) {
            least = distance;
            nearest = pm2_keys[i].name;
        }
    }
    buf_addf(&text, "pm2 has no such key, and leaves it aside%s%s%s",
             nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    buf_addc(&text, 0);
    r->failed |= text.failed;
    if (!text.failed)
        pm2_found(r, FINDING_WARNING, json_value_line(v), text.ptr);
}

void pm2_member_read(struct pm2_reader *r, struct str name, const struct json_value *v)
{
    const struct pm2_key *key = pm2_key_find(name);
    AUTO(freep) char *written = str_dup(str_sub(name, 0, 80));

    if (!written) {
        r->failed = true;
        return;
    }
    r->key = written;
    if (!key)
        key_unknown(r, name, v);
    else if (str_starts(name, STR("env_")) && r->from->env.len &&
             str_eq(str_sub(name, 4, name.len), r->from->env))
        r->env_more = v;
    else if ((key->fate == PM2_WARNED || key->fate == PM2_WARNED_OFF) && asks(key, v))
        pm2_found(r, FINDING_WARNING, json_value_line(v), key->text);
    else if (key->fate == PM2_NOT_NEEDED)
        pm2_found(r, FINDING_NOTE, json_value_line(v), key->text);
    /* pm2 takes null for what is not there, and 0 instances for "max". */
    else if (key->read && json_value_kind(v) != JSON_VALUE_NULL &&
             (asks(key, v) || key->read == instances_read || key->read == autorestart_read ||
              key->read == stop_codes_read || key->read == uid_read || key->read == gid_read))
        key->read(r, v);
    r->key = "";
}
