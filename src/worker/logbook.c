/* worker/logbook.c -- the log files that the supervisor writes: whose they are, and what is wrong
 */
#include "worker/logbook.h"

#include "base/log.h"
#include "worker/recent.h"

#include <limits.h>

/* fettle's lines go there, too, with the time in that form; NULL: they do not. */
static void own_note(struct logbook *b, u32 i, const char *format)
{
    if (format && !b->is_own[i])
        b->date_format[i] = format;
    b->is_own[i] |= format != NULL;
}

static int file_find(struct logbook *b, const char *path, const struct logfile_rules *rules,
                     const char *own_format, struct logfile **out)
{
    char here[PATH_MAX], full[PATH_MAX];
    int err;

    if (path[0] != '/' && getcwd(here, sizeof(here)) &&
        snprintf(full, sizeof(full), "%s/%s", here, path) < (int)sizeof(full))
        path = full; /* whoever asks for it may be elsewhere */
    for (u32 i = 0; i < b->count; i++) {
        if (strcmp(logfile_path(b->file[i]), path) != 0)
            continue;
        own_note(b, i, own_format);
        *out = b->file[i];
        return 0;
    }
    if (b->count == LOGBOOK_FILES_MAX)
        return -EMFILE;
    err = logfile_new(out, path, rules);
    if (err)
        return err;
    if (logfile_error(*out))
        log_warn("the log file %s cannot be opened: %s; it is tried again", path,
                 strerror(logfile_error(*out)));
    b->is_own[b->count] = false;
    own_note(b, b->count, own_format);
    b->file[b->count++] = *out;
    return 0;
}

int logbook_app(struct logbook *b, struct output_app *out, const char *log_file,
                const char *error_file, const struct logfile_rules *rules)
{
    int err = 0;

    if (log_file && *log_file)
        err =
            file_find(b, log_file, rules, out->date_format ? out->date_format : "", &out->file[0]);
    out->file[1] = out->file[0];
    if (!err && error_file && *error_file)
        err = file_find(b, error_file, rules, NULL, &out->file[1]);
    return err;
}

/* Without the colours that are for a terminal. */
static void plain_add(struct buf *out, struct str line)
{
    while (line.len) {
        ptrdiff_t at = str_index(line, '\033');
        size_t len = at < 0 ? line.len : (size_t)at;

        buf_add(out, str_sub(line, 0, len));
        line = str_sub(line, len, line.len);
        if (at < 0)
            return;
        at = str_index(line, 'm');
        line = str_sub(line, at < 0 ? line.len : (size_t)at + 1, line.len);
    }
}

/* The time that is before it in files is the record's. */
static void recent_line(const struct logbook *b, struct str line, bool is_error)
{
    static const struct recent_from from[] = { { .app = RECENT_OF_FETTLE },
                                               { .app = RECENT_OF_FETTLE, .stderr = true } };
    AUTO(buf_done) struct buf text = { 0 };

    if (!b->recent)
        return;
    plain_add(&text, str_sub(line, 0, line.len - str_ends(line, STR("\n"))));
    if (!text.failed)
        recent_add(b->recent, &from[is_error], buf_str(&text));
}

void logbook_line(struct logbook *b, struct str line, bool is_error)
{
    u64 now_ms = clock_wall_ms();

    recent_line(b, line, is_error);
    for (u32 i = 0; i < b->count; i++) {
        AUTO(buf_done) struct buf text = { 0 };

        if (!b->is_own[i])
            continue;
        if (!b->json) {
            output_time_as(&text, b->date_format[i], now_ms);
            buf_addc(&text, ' ');
        }
        plain_add(&text, line);
        if (!text.failed)
            logfile_write(b->file[i], buf_str(&text));
    }
}

void logbook_tick(struct logbook *b, u64 now_ns)
{
    for (u32 i = 0; i < b->count; i++) {
        AUTO(buf_done) struct buf text = { 0 };

        if (logfile_trouble(b->file[i], now_ns, &text))
            log_warn("%.*s", STR_ARG(buf_str(&text)));
    }
}

void logbook_reopen(struct logbook *b)
{
    for (u32 i = 0; i < b->count; i++)
        logfile_reopen(b->file[i]);
}

void logbook_done(struct logbook *b, u64 wait_ns)
{
    u64 until_ns = clock_now_ns() + wait_ns, now_ns;

    while (b->count) {
        now_ns = clock_now_ns();
        b->count--;
        logfile_free(b->file[b->count], until_ns > now_ns ? until_ns - now_ns : 0);
        b->file[b->count] = NULL;
    }
}
