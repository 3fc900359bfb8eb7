/* app/topic.c -- texts about settings that --help, the man page and doc/settings.md share */
#include "app/topic.h"

#include "conf/units.h"

const char *const topic_settings[] = {
    "A setting is read from its flag (--max-memory 512M or --max-memory=512M), else from the "
    "environment (FETTLE_MAX_MEMORY=512M), else from a file (\"max-memory\": \"512M\"), else from "
    "the key \"fettle\" of package.json, else it has its default. An empty variable counts as not "
    "set.",
    "The file is fettle.json, or fettle.config.js, .cjs, .mjs or .ts, in the app's folder, or what "
    "--config names. `fettle config check` says what is wrong in it, `fettle config show` what all "
    "settings are and where each came from.",
    "A switch is written --NAME or --no-NAME; in the environment on, off, yes, no, true, false, 1 "
    "or 0. What can be switched off takes off, 0 or --no-NAME.",
    "A size is a number with K, M, G or T, powers of 1024: 8K, 512M, 1.5G. A number alone is "
    "bytes.",
    "A duration is a number with us, ms, s, m, h or d: 500ms, 10s, 2m, 1.5h. A number alone is "
    "refused, because some tools take it for seconds and others for milliseconds.",
    "In a file, a setting may be said for one app, one listener or one route, as far as its page "
    "says so: a route's value wins over its listener's, that over the app's, that over the one for "
    "all. See doc/config.md.",
    "An address is host:port, [::1]:port, :port (all addresses of the machine), port (127.0.0.1 "
    "only), unix:/path or off.",
};
const u32 topic_settings_count = ARRAY_LEN(topic_settings);

void topic_flag(const struct settings_row *row, struct buf *out)
{
    if (row->type == SETTINGS_BOOL)
        buf_addf(out, "--[no-]%s", row->name);
    else
        buf_addf(out, "--%s %s", row->name, row->placeholder);
}

struct str topic_default(const struct settings_row *row)
{
    return str_of(row->default_text);
}

static void range(const char *what, const struct settings_row *row,
                  void (*text)(u64 n, struct buf *out), struct buf *out)
{
    buf_addf(out, "%s from ", what);
    text(row->least, out);
    buf_add(out, STR(" to "));
    text(row->most, out);
    if (row->flags & SETTINGS_ZERO_OFF)
        buf_add(out, STR(", or off"));
}

static void number(u64 n, struct buf *out)
{
    buf_addu(out, n);
}

static void words(const char *list, struct buf *out)
{
    struct str rest = str_of(list), word;

    while (rest.ptr) {
        word = str_cut(rest, '|', &rest);
        buf_add(out, word);
        if (str_ends(word, STR("=")))
            buf_add(out, STR("NAME"));
        if (rest.ptr)
            buf_add(out, str_index(rest, '|') < 0 ? STR(" or ") : STR(", "));
    }
}

void topic_scope(const struct settings_row *row, struct buf *out)
{
    static const char *const names[] = { "an app", "a listener", "a route" };
    u32 left = row->scope;

    if (row->flags & (SETTINGS_START | SETTINGS_HIDDEN))
        return;
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        if (!(left & BIT(i)))
            continue;
        if (left != row->scope)
            buf_add(out, left == BIT(i) ? STR(" or ") : STR(", "));
        buf_add(out, str_of(names[i]));
        left &= ~BIT(i);
    }
}

void topic_values(const struct settings_row *row, struct buf *out)
{
    switch (row->type) {
    case SETTINGS_BOOL:
        buf_add(out, STR("on or off"));
        return;
    case SETTINGS_COUNT:
        range("a number", row, number, out);
        if (row->words)
            buf_addf(out, ", or %s", row->words);
        return;
    case SETTINGS_RANGE:
        range("a number", row, number, out);
        buf_add(out, STR(", a least and a most such as 2-8"));
        if (row->words)
            buf_addf(out, ", or %s", row->words);
        return;
    case SETTINGS_SIZE:
        range("a size", row, units_size_text, out);
        return;
    case SETTINGS_DURATION:
        range("a duration", row, units_duration_text, out);
        return;
    case SETTINGS_PERCENT:
        buf_add(out, STR("a percentage such as `10%` or `0.5%`, or off"));
        return;
    case SETTINGS_LINES:
        buf_add(out, STR("a text; may be repeated"));
        return;
    case SETTINGS_LIST:
        buf_addf(out, "%s, with commas between%s; may be repeated",
                 row->flags & SETTINGS_PATHS ? "paths" : "texts",
                 row->flags & SETTINGS_EMPTY_OFF ? ", or off" : "");
        return;
    case SETTINGS_TEXT:
        if (row->least)
            buf_addf(out, "a text of %llu to %llu bytes", (unsigned long long)row->least,
                     (unsigned long long)row->most);
        else if (row->most)
            buf_addf(out, "a text of at most %llu bytes", (unsigned long long)row->most);
        else
            buf_add(out, STR("a text"));
        return;
    case SETTINGS_PATH:
        buf_add(out, row->flags & SETTINGS_EMPTY_OFF ? STR("a path, or off") : STR("a path"));
        return;
    case SETTINGS_ENUM:
    case SETTINGS_BALANCE:
        words(row->words, out);
        return;
    case SETTINGS_ADDRESS:
        buf_add(out, STR("host:port, :port, port, unix:/path or off"));
        return;
    case SETTINGS_OUTCOMES:
        buf_add(out, STR("connect-failure, reset, timeout, 5xx or statuses from 400 to 599, with "
                         "commas between, or off"));
        return;
    case SETTINGS_CIDRS:
        buf_add(out, STR("ranges such as 10.0.0.0/8, separated by commas"));
        return;
    }
}
