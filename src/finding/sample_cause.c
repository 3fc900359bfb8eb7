/* finding/sample_cause.c -- what one sample of a blocked loop says that it was at */
#include "finding/sample_cause.h"

#include "finding/blocking_call.h"
#include "finding/sourceline.h"

static bool has(struct str s, struct str what)
{
    return s.len && memmem(s.ptr, s.len, what.ptr, what.len) != NULL;
}

/* Node's functions that do not have the name by which they are called. */
static void better_name(struct sample_cause *v, const struct stackview *s, struct str line)
{
    size_t at = s->place.column ? s->place.column - 1 : 0;
    struct str name = at < line.len ? sourceline_call(line, at) : (struct str){ 0 };
    const char *instead;

    if (blocking_call_kind(name, &instead) == v->kind) {
        v->subject = name;
        v->instead = instead;
    } else if (str_starts(s->api.script, STR("node:internal/crypto/hash"))) {
        v->subject = STR("createHash");
        (void)blocking_call_kind(v->subject, &v->instead);
    } else if (v->kind == FINDING_SYNC_ZLIB && !blocking_call_known(v->subject)) {
        v->subject = (struct str){ 0 };
    }
}

/* A function of Node's own. */
static bool judge_api(struct sample_cause *out, const struct stackview *s, struct str line)
{
    const struct stacktext_frame *f = &s->api;
    enum finding_kind kind = blocking_call_kind(f->function, &out->instead);
    bool is_crypto = str_starts(f->script, STR("node:internal/crypto/"));

    out->subject = f->function;
    if (str_starts(f->script, STR("node:zlib")))
        out->kind = FINDING_SYNC_ZLIB;
    else if (is_crypto || str_starts(f->script, STR("node:crypto")))
        out->kind = FINDING_SYNC_CRYPTO;
    else if (kind != FINDING_NONE && kind != FINDING_MODULE_LOAD &&
             (str_starts(f->script, STR("node:fs")) ||
              str_starts(f->script, STR("node:child_process"))))
        out->kind = kind;
    else if (str_starts(f->script, STR("node:internal/fs/")))
        out->kind = FINDING_SYNC_IO;
    else
        return false;
    better_name(out, s, line);
    return true;
}

static bool judge_one(struct sample_cause *out, const struct str lines[CAUSE_LINES], int moved,
                      size_t until)
{
    out->kind = blocking_call_last(lines[CAUSE_ABOVE + moved], until, &out->subject, &out->instead);
    out->moved = moved;
    return out->kind != FINDING_NONE;
}

/* Where a loop begins anew, what it calls stands behind that. */
static bool judge_loop(struct sample_cause *out, const struct str lines[CAUSE_LINES])
{
    int most = CAUSE_LINES - CAUSE_ABOVE;

    if (!sourceline_is_loop(lines[CAUSE_ABOVE]))
        return false;
    for (int i = 0; i < most && !(i && sourceline_ends_function(lines[CAUSE_ABOVE + i])); i++)
        if (judge_one(out, lines, i, SIZE_MAX))
            return true;
    out->moved = 0;
    return false;
}

/* Native code has returned, into the function that is called at column `at`: what was called last
 * before that. Its arguments come first, then what stands before it. False, and `call` may say what
 * was called, when that is none of those known. */
static bool judge_around(struct sample_cause *out, size_t at, const struct str lines[CAUSE_LINES])
{
    struct str line = lines[CAUSE_ABOVE], inside = sourceline_arguments(line, at), call;
    int moved = 0;

    out->kind = blocking_call_last(inside, inside.len, &out->subject, &out->instead);
    if (out->kind != FINDING_NONE || judge_one(out, lines, 0, at) || judge_loop(out, lines))
        return true;
    call = sourceline_last_call(inside, SIZE_MAX);
    if (!call.len)
        call = sourceline_last_call(line, at);
    for (int i = 1; i <= CAUSE_ABOVE; i++) {
        struct str below = i > 1 ? lines[CAUSE_ABOVE + 1 - i] : str_sub(line, 0, at);

        if (sourceline_begins_function(below) || sourceline_ends_function(lines[CAUSE_ABOVE - i]))
            break;
        if (judge_one(out, lines, -i, SIZE_MAX))
            return true;
        if (call.len)
            continue;
        call = sourceline_last_call(lines[CAUSE_ABOVE - i], SIZE_MAX);
        moved = call.len ? -i : 0;
    }
    out->moved = moved;
    out->kind = FINDING_NONE;
    out->subject = call;
    return false;
}

/* The line at the place: what is called there, or has been just before. */
static bool judge_lines(struct sample_cause *out, const struct stackview *s, bool returned,
                        const struct str lines[CAUSE_LINES])
{
    struct str line = lines[CAUSE_ABOVE], name;
    size_t at = s->place.column ? s->place.column - 1 : 0;

    name = at < line.len ? sourceline_call(line, at) : (struct str){ 0 };
    out->kind = blocking_call_kind(name, &out->instead);
    out->subject = name;
    if (out->kind != FINDING_NONE && out->kind != FINDING_MODULE_LOAD)
        return true;
    if (s->top_is_place && !returned && blocking_call_is_regexp(name)) {
        out->kind = FINDING_REGEXP;
        return true;
    }
    return returned ? judge_around(out, at ? at : line.len, lines)
                    : s->top_is_place && judge_loop(out, lines);
}

/* A callback of the queue that puts something into it again, or waits in a loop for what is there
 * already. */
static bool feeds_queue(const struct str lines[CAUSE_LINES], const struct stacktext_frame *place)
{
    for (u32 i = 0; i < CAUSE_LINES; i++)
        if (has(lines[i], STR("nextTick(")) || has(lines[i], STR("queueMicrotask(")) ||
            sourceline_passes(lines[i], STR(".then("), place->function))
            return true;
    for (int i = CAUSE_ABOVE; i >= 0; i--) {
        if (sourceline_is_loop(lines[i]) &&
            sourceline_loop_awaits(lines + i, CAUSE_LINES - i, CAUSE_ABOVE - i))
            return true;
        if (sourceline_begins_function(lines[i]) && !sourceline_is_loop(lines[i]))
            break;
    }
    return false;
}

static bool is_database(const struct stackview *s, struct str text)
{
    return s->in_database || has(text, STR("/node_modules/better-sqlite3/")) ||
           has(text, STR("/node_modules/sqlite3-sync/"));
}

struct sample_cause sample_cause_of_stack(const struct cause_sample *sample,
                                          const struct stackview *s,
                                          const struct stacktext_frame *place,
                                          const struct sample_cause *native,
                                          const struct str lines[CAUSE_LINES])
{
    bool is_short = !native->votes || native->kind == FINDING_GC; /* what it did, each time */
    struct sample_cause v = { .votes = 1 };
    bool returned = sample->how == SHM_BLOCKED_RETURNED;
    /* The lines are those of one place. */
    bool is_near =
        str_eq(s->place.script, place->script) && str_eq(s->place.function, place->function);
    bool has_lines = s->place.line == place->line && str_eq(s->place.script, place->script);

    if (s->has_loader && s->place.script.len) {
        v.kind = FINDING_MODULE_LOAD;
        v.subject = STR("require");
    } else if (is_database(s, sample->text)) {
        v.kind = FINDING_SYNC_DATABASE;
        v.subject = s->database;
    } else if (!s->place.script.len && stackview_begins_in_queue(s)) {
        /* What native code returned to is the next callback's, and none that blocks. */
        v.kind = returned || native->votes ? FINDING_NATIVE : FINDING_MICROTASKS;
    } else if (is_short && is_near && stackview_is_from_queue(s) && feeds_queue(lines, place)) {
        v.kind = FINDING_MICROTASKS;
    } else if (s->api.script.len &&
               judge_api(&v, s, has_lines ? lines[CAUSE_ABOVE] : (struct str){ 0 })) {
        ;
    } else if (has_lines && judge_lines(&v, s, returned, lines)) {
        ;
    } else if (returned) {
        if (!has_lines)
            v.subject = (struct str){ 0 };
        v.kind = FINDING_NATIVE; /* what judge_around knows of it stays */
        v.is_near = is_near && !has_lines;
    } else {
        v = (struct sample_cause){ .kind = FINDING_JAVASCRIPT, .votes = 1 };
    }
    return v;
}

struct sample_cause sample_cause_of_native(const struct cause_sample *sample)
{
    static const char *const files[] = { "read",      "write",      "pread64",   "pwrite64",
                                         "openat",    "fsync",      "statx",     "flock",
                                         "fdatasync", "getdents64", "newfstatat" };
    struct sample_cause v = { .kind = FINDING_NATIVE, .votes = 1 };

    if (sample->in_gc)
        v.kind = FINDING_GC;
    /* The loop itself waits in its own epoll only: this is the one that spawnSync makes. */
    if (str_starts(sample->call_name, STR("epoll_")))
        v.kind = FINDING_CHILD_PROCESS;
    for (u32 i = 0; i < ARRAY_LEN(files); i++)
        if (str_eq(sample->call_name, str_of(files[i])))
            v.kind = FINDING_SYNC_IO;
    return v;
}
