/* app/logs.c -- `fettle logs`: lines of logs in the order of their times
 *
 * Each file with its older ones is a stream of lines (logs/logtail.h), and so is what a fettle
 * keeps of an app without a file (app/log_live.h); of all streams, the line with the earliest time
 * comes first. A line without a time has that of the one before it.
 */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/log_live.h"
#include "app/log_print.h"
#include "app/log_sources.h"
#include "app/logs_options.h"
#include "logs/logtail.h"

#include <regex.h>

enum { OUT_BYTES = 64 * 1024, OWN_MAX = 64 };
#define LOOK_US 100000 /* how often is looked for new lines */

/* One log, and its next line. */
struct stream {
    struct logtail *tail; /* a file; or NULL, and … */
    struct log_live *live;
    struct str line;
    struct logline parsed;
    u64 at_ms;
    bool has_line;
};

struct shown {
    struct logtail_filter filter;
    struct logs_options options;
    struct log_sources sources;
    struct stream *stream;
    u32 streams;
    regex_t grep;
    bool has_grep, grep_is_plain, colours;
    struct buf out;
    struct strings own; /* fettle's own lines of the newest time, own_ms */
    u64 own_ms;
    struct buf *last; /* the last lines, a ring of options.lines; NULL: they are shown at once */
    u64 last_count;
};

static void stream_done(struct stream *one)
{
    logtail_free(one->tail);
    log_live_free(one->live);
}

static void shown_done(struct shown *s)
{
    for (u32 i = 0; i < s->streams; i++)
        stream_done(&s->stream[i]);
    for (u32 i = 0; s->last && i < s->options.lines; i++)
        buf_done(&s->last[i]);
    free(s->last);
    free(s->stream);
    log_sources_done(&s->sources);
    buf_done(&s->out);
    strings_done(&s->own);
    if (s->has_grep)
        regfree(&s->grep);
    logs_options_done(&s->options);
}

static bool matches(struct shown *s, struct str line)
{
    struct str pattern = s->options.grep;
    regmatch_t whole = { .rm_eo = (regoff_t)line.len };

    if (s->grep_is_plain)
        return memmem(line.ptr, line.len, pattern.ptr, pattern.len) != NULL;
    return regexec(&s->grep, line.ptr, 0, &whole, REG_STARTEND) == 0;
}

static bool wants(struct logtail_filter *filter, struct str line, const struct logline *l)
{
    struct shown *s = container_of(filter, struct shown, filter);
    const struct logs_options *o = &s->options;

    if (o->since_ms && l->at_ms && l->at_ms < o->since_ms)
        return false;
    if (o->app.len && !str_eq(l->app, o->app) && l->kind == LOGLINE_WORKER)
        return false;
    if (o->worker && l->worker != o->worker)
        return false;
    if (o->errors && !l->is_error)
        return false;
    return o->grep.len == 0 || matches(s, line);
}

/* False: nobody reads what is written. */
static bool flush(struct shown *s)
{
    bool ok = fwrite(s->out.ptr, 1, s->out.len, stdout) == s->out.len && fflush(stdout) == 0;

    buf_clear(&s->out);
    return ok;
}

static bool line_show(struct shown *s, const struct stream *from)
{
    struct buf *out = &s->out;

    if (s->last) {
        out = &s->last[s->last_count++ % s->options.lines];
        buf_clear(out);
    }
    if (s->options.json)
        log_print_json(out, from->line, &from->parsed);
    else
        log_print_text(out, from->line, &from->parsed, s->colours);
    return s->out.len < OUT_BYTES || flush(s);
}

/* What fettle says of itself stands in the file of each app, and is shown once. */
static bool is_repeated(struct shown *s, const struct stream *from)
{
    if (from->parsed.kind != LOGLINE_FETTLE || s->streams == 1)
        return false;
    if (s->own_ms != from->at_ms || s->own.count == OWN_MAX)
        strings_done(&s->own);
    s->own_ms = from->at_ms;
    for (u32 i = 0; i < s->own.count; i++)
        if (str_eq(strings_at(&s->own, i), from->line))
            return true;
    strings_add(&s->own, from->line);
    return false;
}

static void stream_next(struct shown *s, struct stream *from)
{
    while ((from->has_line = from->live ? log_live_next(from->live, &from->line)
                                        : logtail_next(from->tail, &from->line))) {
        logline_parse(&from->parsed, from->line);
        if (from->parsed.at_ms)
            from->at_ms = from->parsed.at_ms;
        if (wants(&s->filter, from->line, &from->parsed))
            return;
    }
}

/* Shows all lines that are there now. */
static bool lines_show(struct shown *s)
{
    for (u32 i = 0; i < s->streams; i++)
        if (!s->stream[i].has_line)
            stream_next(s, &s->stream[i]);
    for (;;) {
        struct stream *first = NULL;

        for (u32 i = 0; i < s->streams; i++)
            if (s->stream[i].has_line && (!first || s->stream[i].at_ms < first->at_ms))
                first = &s->stream[i];
        if (!first)
            return true;
        if (!is_repeated(s, first) && !line_show(s, first))
            return false;
        stream_next(s, first);
    }
}

/* The last lines, when these were asked for. */
static void last_show(struct shown *s)
{
    u64 n = min(s->last_count, (u64)s->options.lines);

    for (u64 i = s->last_count - n; i < s->last_count; i++)
        buf_add(&s->out, buf_str(&s->last[i % s->options.lines]));
    for (u32 i = 0; i < s->options.lines; i++)
        buf_done(&s->last[i]);
    free(TAKE(s->last, NULL));
}

/* Files may always grow; what is in memory goes with its fettle. */
static bool all_ended(const struct shown *s)
{
    for (u32 i = 0; i < s->streams; i++)
        if (!s->stream[i].live || !log_live_ended(s->stream[i].live))
            return false;
    return true;
}

static int follow(struct shown *s)
{
    while (lines_show(s) && flush(s)) {
        if (all_ended(s))
            return EXIT_OK;
        usleep(LOOK_US);
        for (u32 i = 0; i < s->streams; i++)
            if (s->stream[i].tail)
                logtail_look(s->stream[i].tail, clock_now_ns());
    }
    return EXIT_APP;
}

static int grep_read(struct shown *s, struct problem *p)
{
    const char *pattern = s->options.grep.ptr;
    char why[200];
    int err;

    if (s->options.grep.len == 0)
        return 0;
    s->grep_is_plain = strpbrk(pattern, "\\^$.|?*+()[]{}") == NULL;
    err = regcomp(&s->grep, pattern, REG_EXTENDED | REG_NOSUB);
    s->has_grep = err == 0;
    if (err == 0)
        return 0;
    regerror(err, &s->grep, why, sizeof(why));
    return problem_set(p, "--grep: \"%.200s\" is no regular expression: %s", pattern, why);
}

static int file_open(struct shown *s, const char *path, bool *any, struct problem *p)
{
    struct stream *one = &s->stream[s->streams];
    int err = logtail_open(&one->tail, path);

    if (err == -EINVAL)
        return problem_set(p, "%.300s is no path of a file", path);
    if (err)
        return err;
    s->streams++;
    *any |= logtail_is_there(one->tail);
    return 0;
}

static int streams_open(struct shown *s, struct problem *p)
{
    struct log_sources *from = &s->sources;
    bool any = s->options.follow;
    int err = log_sources_find(from, &s->options, p);

    if (err)
        return err;
    s->stream = calloc(from->paths.count + from->lives, sizeof(*s->stream));
    if (!s->stream)
        return -ENOMEM;
    for (u32 i = 0; i < from->paths.count && !err; i++)
        err = file_open(s, strings_at(&from->paths, i).ptr, &any, p);
    for (u32 i = 0; i < from->lives && !err; i++) {
        err = log_live_open(&s->stream[s->streams].live, from->live[i].pid, from->live[i].app,
                            s->options.runtime_dir, s->options.follow, p);
        s->streams += !err;
        any = true;
    }
    if (err || any)
        return err;
    problem_set(p, "there is no log file yet: %.300s", strings_at(&from->paths, 0).ptr);
    return -ENOENT;
}

static int last_prepare(struct shown *s)
{
    if (!s->options.lines)
        return 0;
    s->last = calloc(s->options.lines, sizeof(*s->last));
    return s->last ? 0 : -ENOMEM;
}

int logs_command(int argc, char **argv)
{
    AUTO(shown_done) struct shown s = { .filter = { wants } };
    struct problem p = { .text = "out of memory" };
    int err = logs_options_read(&s.options, argc, argv);

    if (err)
        return err;
    if (s.options.help)
        return help_of("logs");
    s.colours = !s.options.json && log_colours(STDOUT_FILENO);
    err = grep_read(&s, &p);
    if (!err)
        err = streams_open(&s, &p);
    if (!err)
        err = last_prepare(&s);
    if (err) {
        command_problem(&p);
        return err == -ENOMEM ? EXIT_APP : err == -ENOENT ? EXIT_MISSING : EXIT_USAGE;
    }
    for (u32 i = 0; i < s.streams; i++) {
        if (!s.stream[i].tail)
            continue; /* that much is read through */
        if (s.options.since_ms)
            logtail_from_time(s.stream[i].tail, s.options.since_ms);
        else if (s.options.lines)
            logtail_from_last(s.stream[i].tail, s.options.lines, &s.filter);
    }
    if (!lines_show(&s))
        return EXIT_APP;
    if (s.last)
        last_show(&s);
    if (s.options.follow)
        return follow(&s);
    return flush(&s) ? EXIT_OK : EXIT_APP;
}
