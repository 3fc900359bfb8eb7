/* base/log.c -- one line, one write, to standard error */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <stdarg.h>

static struct log_conf conf = { .level = LOG_INFO, .source = "fettle" };
static bool colours;
static log_write_fn *redirected;

static const struct {
    const char *name;
    const char *colour;
} levels[] = {
    [LOG_ERROR] = { "error", "\033[31m" },
    [LOG_WARN] = { "warn", "\033[33m" },
    [LOG_INFO] = { "info", "" },
    [LOG_DEBUG] = { "debug", "\033[2m" },
};

bool log_colours(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    if (conf.colour != LOG_COLOUR_AUTO)
        return conf.colour == LOG_COLOUR_ALWAYS;
    return isatty(fd) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

void log_setup(const struct log_conf *c)
{
    conf = *c;
    colours = !c->json && log_colours(STDERR_FILENO);
}

void log_redirect(log_write_fn *fn)
{
    redirected = fn;
}

static void line_text(struct buf *line, enum log_level level, const char *text)
{
    const char *colour = colours ? levels[level].colour : "";

    buf_addf(line, "%s%s: %s%s%s\n", colour, conf.source,
             level == LOG_WARN    ? "warning: "
             : level == LOG_ERROR ? "error: "
                                  : "",
             text, *colour ? "\033[0m" : "");
}

static void line_json(struct buf *line, enum log_level level, const char *text)
{
    u64 ms = clock_wall_ms();
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char when[32];

    gmtime_r(&s, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_addf(line, "{\"time\":\"%s.%03uZ\",\"level\":\"%s\",\"source\":\"%s\",\"text\":\"", when,
             (u32)(ms % 1000), levels[level].name, conf.source);
    buf_add_json(line, str_of(text));
    buf_add(line, STR("\"}\n"));
}

void log_line(enum log_level level, const char *fmt, ...)
{
    AUTO(buf_done) struct buf line = { 0 };
    char text[4096];
    va_list args;

    if (level > conf.level)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (conf.json ? line_json : line_text)(&line, level, text);
    if (!line.failed && redirected)
        redirected(level, buf_str(&line));
    else if (!line.failed && write(STDERR_FILENO, line.ptr, line.len) < 0)
        return; /* nobody to tell */
}
