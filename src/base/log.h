/* base/log.h -- one line, one write, to standard error
 *
 * For the upper rooms (worker, proxy, admin, app); lower rooms return errors.
 * Text form: «fettle: …», coloured only on a terminal and without NO_COLOR; the
 * JSON form is one object a line with time, level, source and text. Any thread.
 */
#pragma once

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_colour { LOG_COLOUR_AUTO, LOG_COLOUR_ALWAYS, LOG_COLOUR_NEVER };

struct log_conf {
    enum log_level level;
    bool json;
    enum log_colour colour; /* what log_colours answers; auto: as its comment says */
    const char *source;     /* "fettle", "proxy", "monitor"; a literal */
};

/* Once, before threads start. */
void log_setup(const struct log_conf *conf);

/* Whole lines go to `fn` instead of straight to standard error, which may be stuck; NULL: back. Not
 * while other threads log. */
typedef void log_write_fn(enum log_level level, struct str line);
void log_redirect(log_write_fn *fn);

void log_line(enum log_level level, const char *fmt, ...) PRINTF(2, 3);
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Whether text on `fd` may carry colours: a terminal, NO_COLOR empty or unset, TERM not "dumb";
 * or as log_setup said. */
bool log_colours(int fd);
