/* finding/cause.c -- what a turn of the loop that took too long was at */
#include "finding/cause.h"

/* Functions that block until they are done, by name; what ends with Sync and is not here is of the
 * file system. `instead`: what does not block. */
static const struct blocking_name {
    const char *name;
    enum finding_kind kind;
    const char *instead; /* NULL: the kind's advice is as good */
} names[] = {
    { "execSync", FINDING_CHILD_PROCESS, "exec() of node:child_process" },
    { "spawnSync", FINDING_CHILD_PROCESS, "spawn() of node:child_process" },
    { "execFileSync", FINDING_CHILD_PROCESS, "execFile() of node:child_process" },
    { "pbkdf2Sync", FINDING_SYNC_CRYPTO, "crypto.pbkdf2() with a callback" },
    { "scryptSync", FINDING_SYNC_CRYPTO, "crypto.scrypt() with a callback" },
    { "hkdfSync", FINDING_SYNC_CRYPTO, "crypto.hkdf() with a callback" },
    { "argon2Sync", FINDING_SYNC_CRYPTO, "crypto.argon2() with a callback" },
    { "generateKeyPairSync", FINDING_SYNC_CRYPTO, "crypto.generateKeyPair() with a callback" },
    { "generateKeySync", FINDING_SYNC_CRYPTO, "crypto.generateKey() with a callback" },
    { "generatePrimeSync", FINDING_SYNC_CRYPTO, "crypto.generatePrime() with a callback" },
    { "checkPrimeSync", FINDING_SYNC_CRYPTO, "crypto.checkPrime() with a callback" },
    { "randomFillSync", FINDING_SYNC_CRYPTO, "crypto.randomFill() with a callback" },
    { "randomBytes", FINDING_SYNC_CRYPTO, "crypto.randomBytes() with a callback" },
    { "hashSync", FINDING_SYNC_CRYPTO, "the function of the same name without Sync" },
    { "compareSync", FINDING_SYNC_CRYPTO, "the function of the same name without Sync" },
    { "createHash", FINDING_SYNC_CRYPTO,
      "crypto.createHash() fed in pieces by a stream, or a worker thread" },
    { "createHmac", FINDING_SYNC_CRYPTO,
      "crypto.createHmac() fed in pieces by a stream, or a worker thread" },
    { "gzipSync", FINDING_SYNC_ZLIB, "zlib.gzip() with a callback, or a stream" },
    { "gunzipSync", FINDING_SYNC_ZLIB, "zlib.gunzip() with a callback, or a stream" },
    { "unzipSync", FINDING_SYNC_ZLIB, "zlib.unzip() with a callback, or a stream" },
    { "deflateSync", FINDING_SYNC_ZLIB, "zlib.deflate() with a callback, or a stream" },
    { "inflateSync", FINDING_SYNC_ZLIB, "zlib.inflate() with a callback, or a stream" },
    { "deflateRawSync", FINDING_SYNC_ZLIB, "zlib.deflateRaw() with a callback, or a stream" },
    { "inflateRawSync", FINDING_SYNC_ZLIB, "zlib.inflateRaw() with a callback, or a stream" },
    { "brotliCompressSync", FINDING_SYNC_ZLIB,
      "zlib.brotliCompress() with a callback and a lower quality" },
    { "brotliDecompressSync", FINDING_SYNC_ZLIB, "zlib.brotliDecompress() with a callback" },
    { "zstdCompressSync", FINDING_SYNC_ZLIB, "zlib.zstdCompress() with a callback" },
    { "zstdDecompressSync", FINDING_SYNC_ZLIB, "zlib.zstdDecompress() with a callback" },
    { "JSON.parse", FINDING_JSON, NULL },
    { "JSON.stringify", FINDING_JSON, NULL },
    { "structuredClone", FINDING_JSON, NULL },
    { "Atomics.wait", FINDING_WAIT, NULL },
    { "require", FINDING_MODULE_LOAD, NULL },
};

/* Methods that run a regular expression. */
static const char *const regexp_methods[] = { "test",    "exec",       "match",  "matchAll",
                                              "replace", "replaceAll", "search", "split" };

static bool has(struct str s, struct str what)
{
    return s.len && memmem(s.ptr, s.len, what.ptr, what.len) != NULL;
}

static const struct blocking_name *name_find(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_of(names[i].name)))
            return &names[i];
    return NULL;
}

static bool script_starts(const struct stacktext_frame *f, struct str what)
{
    return str_starts(f->script, what);
}

static bool is_loader(const struct stacktext_frame *f)
{
    return script_starts(f, STR("node:internal/modules/"));
}

static bool is_task_queue(const struct stacktext_frame *f)
{
    return script_starts(f, STR("node:internal/process/task_queues")) ||
           script_starts(f, STR("node:internal/process/promises"));
}

/* ---- One stack ---- */

struct stack {
    bool has_frames, has_loader;
    bool top_is_place;            /* the app's code is innermost */
    bool below_is_queue;          /* ... calls the place */
    struct stacktext_frame api;   /* what the place has called of Node's, if it has */
    struct stacktext_frame above; /* what the place has called of any other's; or api */
    struct stacktext_frame place;
    struct stacktext_frame root; /* the outermost frame */
};

static bool before_is_place(const struct stacktext_frame *f, const struct stacktext_frame *place)
{
    return place->script.len && f->script.ptr == place->script.ptr;
}

static void stack_read(struct stack *s, struct str text)
{
    struct stacktext_frame f, before = { 0 }, package = { 0 }, package_above = { 0 };
    bool in_package = false;

    *s = (struct stack){ 0 };
    while (stacktext_next(&text, &f)) {
        if (is_loader(&f) && !is_task_queue(&f)) { /* the place is below it */
            s->has_loader = true;
            s->place = package = (struct stacktext_frame){ 0 };
        } else if (stacktext_is_app(&f) && !s->place.script.len) {
            s->place = f;
            s->above = before;
            s->top_is_place = !s->has_frames;
        } else if (!stacktext_is_node(&f) && !package.script.len && !s->place.script.len) {
            package = f;
            package_above = before;
            in_package = !s->has_frames;
        }
        s->below_is_queue |= is_task_queue(&f) && before_is_place(&before, &s->place);
        s->has_frames = true;
        before = s->root = f;
    }
    if (!s->place.script.len && package.script.len) {
        s->place = package;
        s->above = package_above;
        s->top_is_place = in_package;
    }
    if (stacktext_is_node(&s->above))
        s->api = s->above;
}

struct stacktext_frame cause_place(const struct cause_view *v)
{
    struct stack s = { 0 }, package = { 0 };

    for (u32 i = 0; i < v->samples; i++) {
        stack_read(&s, v->sample[i].text);
        if (stacktext_is_app(&s.place))
            return s.place;
        if (!package.place.script.len)
            package = s;
    }
    return package.place;
}

/* ---- Lines of the app ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (c & 0x80);
}

/* The name that stands at `at`, with "JSON." or "Atomics." before it, when a ( follows. */
static struct str call_at(struct str line, size_t at)
{
    size_t end = at, from = at;

    while (end < line.len && is_word(line.ptr[end]))
        end++;
    if (end == at || end == line.len || line.ptr[end] != '(')
        return (struct str){ 0 };
    if (from >= 5 && memcmp(line.ptr + from - 5, "JSON.", 5) == 0)
        from -= 5;
    else if (from >= 8 && memcmp(line.ptr + from - 8, "Atomics.", 8) == 0)
        from -= 8;
    return str_sub(line, from, end - from);
}

/* What is called by that name blocks. */
static enum finding_kind kind_of(struct str name, const char **instead)
{
    const struct blocking_name *known = name_find(name);

    *instead = known ? known->instead : NULL;
    if (known)
        return known->kind;
    return name.len > 4 && str_ends(name, STR("Sync")) ? FINDING_SYNC_IO : FINDING_NONE;
}

static bool is_regexp_method(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(regexp_methods); i++)
        if (str_eq(name, str_of(regexp_methods[i])))
            return true;
    return false;
}

/* The last call of something that blocks before column `until` (from 0). */
static enum finding_kind last_call(struct str line, size_t until, struct str *name,
                                   const char **instead)
{
    enum finding_kind found = FINDING_NONE, kind;
    struct str call;
    const char *with;

    for (size_t i = 0; i < line.len && i < until; i++) {
        if (!is_word(line.ptr[i]) || (i && is_word(line.ptr[i - 1])))
            continue;
        call = call_at(line, i);
        kind = kind_of(call, &with);
        if (kind == FINDING_NONE || str_eq(call, STR("require")))
            continue;
        found = kind;
        *name = call;
        *instead = with;
    }
    return found;
}

/* ---- The verdict ---- */

struct verdict {
    enum finding_kind kind;
    struct str subject;
    const char *instead;
    int moved; /* so many lines down from the place; above it, fewer than none */
    u32 votes;
};

/* Node's functions that do not have the name by which they are called. */
static void better_name(struct verdict *v, const struct stack *s, struct str line)
{
    size_t at = s->place.column ? s->place.column - 1 : 0;
    struct str name = at < line.len ? call_at(line, at) : (struct str){ 0 };
    const char *instead;

    if (kind_of(name, &instead) == v->kind) {
        v->subject = name;
        v->instead = instead;
    } else if (script_starts(&s->api, STR("node:internal/crypto/hash"))) {
        v->subject = STR("createHash");
        v->instead = name_find(STR("createHash"))->instead;
    } else if (v->kind == FINDING_SYNC_ZLIB && !name_find(v->subject)) {
        v->subject = (struct str){ 0 };
    }
}

/* A function of Node's own. */
static bool judge_api(struct verdict *out, const struct stack *s, struct str line)
{
    const struct stacktext_frame *f = &s->api;
    enum finding_kind kind = kind_of(f->function, &out->instead);
    bool is_crypto = script_starts(f, STR("node:internal/crypto/"));

    out->subject = f->function;
    if (script_starts(f, STR("node:zlib")))
        out->kind = FINDING_SYNC_ZLIB;
    else if (is_crypto || script_starts(f, STR("node:crypto")))
        out->kind = FINDING_SYNC_CRYPTO;
    else if (kind != FINDING_NONE && kind != FINDING_MODULE_LOAD &&
             (script_starts(f, STR("node:fs")) || script_starts(f, STR("node:child_process"))))
        out->kind = kind;
    else if (script_starts(f, STR("node:internal/fs/")))
        out->kind = FINDING_SYNC_IO;
    else
        return false;
    better_name(out, s, line);
    return true;
}

/* What stands above is another function's, as far as a line can tell. */
static bool function_begins(struct str line)
{
    return has(line, STR("=> {")) || has(line, STR("function")) || has(line, STR(") {")) ||
           has(line, STR("){"));
}

static bool function_ends(struct str line)
{
    line = str_trim(line);
    return !line.len || line.ptr[0] == '}' || str_ends(line, STR("}")) ||
           str_ends(line, STR("},")) || str_ends(line, STR("});"));
}

static bool judge_one(struct verdict *out, const struct str lines[CAUSE_LINES], int moved,
                      size_t until)
{
    out->kind = last_call(lines[CAUSE_ABOVE + moved], until, &out->subject, &out->instead);
    out->moved = moved;
    return out->kind != FINDING_NONE;
}

static bool is_loop(struct str line)
{
    line = str_trim(line);
    return str_starts(line, STR("for")) || str_starts(line, STR("while")) ||
           str_starts(line, STR("do"));
}

/* Where a loop begins anew, what it calls stands behind that. */
static bool judge_loop(struct verdict *out, const struct str lines[CAUSE_LINES])
{
    int most = CAUSE_LINES - CAUSE_ABOVE;

    if (!is_loop(lines[CAUSE_ABOVE]))
        return false;
    for (int i = 0; i < most && !(i && function_ends(lines[CAUSE_ABOVE + i])); i++)
        if (judge_one(out, lines, i, SIZE_MAX))
            return true;
    out->moved = 0;
    return false;
}

/* Native code has returned: what was called before column `at`. */
static bool judge_around(struct verdict *out, size_t at, const struct str lines[CAUSE_LINES])
{
    if (judge_one(out, lines, 0, at) || judge_loop(out, lines))
        return true;
    for (int i = 1; i <= CAUSE_ABOVE; i++) {
        if (function_begins(lines[CAUSE_ABOVE + 1 - i]) || function_ends(lines[CAUSE_ABOVE - i]))
            break;
        if (judge_one(out, lines, -i, SIZE_MAX))
            return true;
    }
    out->moved = 0;
    return false;
}

/* The line at the place: what is called there, or has been just before. */
static bool judge_lines(struct verdict *out, const struct stack *s, bool returned,
                        const struct str lines[CAUSE_LINES])
{
    struct str line = lines[CAUSE_ABOVE], name;
    size_t at = s->place.column ? s->place.column - 1 : 0;

    name = at < line.len ? call_at(line, at) : (struct str){ 0 };
    out->kind = kind_of(name, &out->instead);
    out->subject = name;
    if (out->kind != FINDING_NONE && out->kind != FINDING_MODULE_LOAD)
        return true;
    if (s->top_is_place && !returned && is_regexp_method(name)) {
        out->kind = FINDING_REGEXP;
        return true;
    }
    return returned ? judge_around(out, at ? at : line.len, lines)
                    : s->top_is_place && judge_loop(out, lines);
}

/* A callback of the queue that puts something into it again. */
static bool feeds_queue(const struct str lines[CAUSE_LINES])
{
    for (u32 i = 0; i < CAUSE_LINES; i++)
        if (has(lines[i], STR("nextTick(")) || has(lines[i], STR("queueMicrotask(")))
            return true;
    return false;
}

static bool is_database(const struct stack *s, struct str text)
{
    (void)s;
    return has(text, STR("/node_modules/better-sqlite3/")) ||
           has(text, STR("/node_modules/sqlite3-sync/"));
}

/* A sample with a stack. */
static struct verdict judge_stack(const struct cause_sample *sample, const struct stack *s,
                                  const struct stacktext_frame *place,
                                  const struct str lines[CAUSE_LINES])
{
    struct verdict v = { .votes = 1 };
    bool returned = sample->how == SHM_BLOCKED_RETURNED;
    /* The lines are those of one place. */
    bool has_lines = s->place.line == place->line && str_eq(s->place.script, place->script);

    if (s->has_loader && s->place.script.len) {
        v.kind = FINDING_MODULE_LOAD;
        v.subject = STR("require");
    } else if (is_database(s, sample->text)) {
        v.kind = FINDING_SYNC_DATABASE;
    } else if (s->api.script.len &&
               judge_api(&v, s, has_lines ? lines[CAUSE_ABOVE] : (struct str){ 0 })) {
        ;
    } else if (has_lines && judge_lines(&v, s, returned, lines)) {
        ;
    } else if ((!s->place.script.len && is_task_queue(&s->root)) ||
               (s->below_is_queue && has_lines && feeds_queue(lines))) {
        v.kind = FINDING_MICROTASKS;
    } else if (returned) {
        v = (struct verdict){ .kind = FINDING_NATIVE, .votes = 1 };
    } else {
        v = (struct verdict){ .kind = FINDING_JAVASCRIPT, .votes = 1 };
    }
    return v;
}

/* Native code, and no stack: by what it waits for. */
static struct verdict judge_native(const struct cause_sample *sample)
{
    static const char *const files[] = { "read",      "write",      "pread64",   "pwrite64",
                                         "openat",    "fsync",      "statx",     "flock",
                                         "fdatasync", "getdents64", "newfstatat" };
    struct verdict v = { .kind = FINDING_NATIVE, .votes = 1 };

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

static bool same_verdict(const struct verdict *a, const struct verdict *b)
{
    return a->kind == b->kind && str_eq(a->subject, b->subject);
}

/* What names a function weighs more than what does not. */
static u32 weight(const struct verdict *v)
{
    u32 vague = v->kind == FINDING_NATIVE || v->kind == FINDING_UNKNOWN ? 0
                : v->kind == FINDING_JAVASCRIPT                         ? 1
                                                                        : 2;

    return 4 * v->votes + vague;
}

static bool is_specific(enum finding_kind kind)
{
    return kind != FINDING_NATIVE && kind != FINDING_UNKNOWN && kind != FINDING_JAVASCRIPT;
}

struct ballot {
    struct verdict verdict[2 * CAUSE_SAMPLES_MAX];
    u32 sample[2 * CAUSE_SAMPLES_MAX]; /* the first that says so */
    u32 count;
};

static void ballot_add(struct ballot *b, const struct verdict *one, u32 sample)
{
    for (u32 k = 0; k < b->count; k++)
        if (same_verdict(&b->verdict[k], one)) {
            b->verdict[k].votes += one->votes;
            return;
        }
    b->sample[b->count] = sample;
    b->verdict[b->count++] = *one;
}

/* Its text says why there is no stack. */
static bool is_excuse(const struct cause_sample *sample)
{
    return sample->how == SHM_BLOCKED_UNABLE || sample->how == SHM_BLOCKED_CLOSED;
}

/* All samples together: each is a vote. Those of native code are for what has called it, when that
 * is known by the stack that came when it had returned. */
static void vote(struct ballot *b, const struct cause_view *v, const struct stacktext_frame *place,
                 const struct str lines[CAUSE_LINES])
{
    struct verdict native = { 0 }, one;

    for (u32 i = 0; i < v->samples && i < CAUSE_SAMPLES_MAX; i++) {
        const struct cause_sample *sample = &v->sample[i];
        struct stack s;

        if (is_excuse(sample))
            continue;
        stack_read(&s, sample->text);
        if (sample->how == SHM_BLOCKED_NATIVE && !s.has_frames) {
            one = judge_native(sample);
            one.votes += native.votes;
            native = native.kind > FINDING_NONE && native.kind < one.kind ? native : one;
            native.votes = one.votes;
            continue;
        }
        one = s.has_frames ? judge_stack(sample, &s, place, lines)
                           : (struct verdict){ .kind = FINDING_UNKNOWN, .votes = 1 };
        if (sample->how == SHM_BLOCKED_RETURNED || (native.votes && is_specific(one.kind))) {
            u32 votes = native.votes;

            if (one.kind == FINDING_NATIVE && native.votes)
                one = native;
            else if (one.kind == FINDING_NATIVE && s.top_is_place && is_loop(lines[CAUSE_ABOVE]))
                one.kind = FINDING_JAVASCRIPT; /* it was slow to look up from its loop */
            one.votes = votes + 1;
            native = (struct verdict){ 0 };
        }
        ballot_add(b, &one, i);
    }
    if (native.votes)
        ballot_add(b, &native, 0);
}

/* Callbacks of several timers, one after the other. */
static bool are_timers(const struct cause_view *v)
{
    struct stacktext_frame first = { 0 };
    u32 seen = 0;

    for (u32 i = 0; i < v->samples; i++) {
        struct str text = v->sample[i].text;
        struct stacktext_frame f, before = { 0 };

        while (stacktext_next(&text, &f)) {
            if (str_eq(f.function, STR("listOnTimeout"))) {
                if (!before.script.len)
                    return true; /* it is in the list itself */
                if (seen++ && (before.line != first.line || !str_eq(before.script, first.script)))
                    return true;
                first = before;
            }
            before = f;
        }
    }
    return false;
}

static const char *origin_of(const struct str text)
{
    static const struct {
        const char *function, *origin;
    } origins[] = {
        { "listOnTimeout", "timer" },
        { "processTimers", "timer" },
        { "processImmediate", "immediate" },
        { "parserOnIncoming", "request" },
        { "parserOnHeadersComplete", "request" },
        { "parserOnBody", "request" },
        { "parserOnMessageComplete", "request" },
        { "processTicksAndRejections", "promise" },
        { "runMicrotasks", "promise" },
    };
    const char *found = "";
    struct str rest = text;
    struct stacktext_frame f;

    while (stacktext_next(&rest, &f))
        for (u32 i = 0; i < ARRAY_LEN(origins) && stacktext_is_node(&f); i++)
            if (str_eq(f.function, str_of(origins[i].function)))
                found = origins[i].origin;
    return found;
}

static void advice_set(struct cause *out, const struct verdict *best)
{
    struct str name = out->subject;

    if (best->instead)
        snprintf(out->advice, sizeof(out->advice), "Use %s instead of %.*s().", best->instead,
                 (int)min(name.len, (size_t)60), name.ptr);
    else if (out->kind == FINDING_SYNC_IO && str_ends(name, STR("Sync")))
        snprintf(out->advice, sizeof(out->advice),
                 "Use %.*s() of node:fs/promises, and await it, instead of %.*s().",
                 (int)min(name.len - 4, (size_t)60), name.ptr, (int)min(name.len, (size_t)60),
                 name.ptr);
}

void cause_judge(struct cause *out, const struct cause_view *v, const struct str lines[CAUSE_LINES])
{
    struct stacktext_frame place = cause_place(v);
    struct verdict best = { .kind = FINDING_UNKNOWN };
    struct ballot ballot = { .count = 0 };
    u32 sample = 0;

    *out = (struct cause){ .place = place, .origin = "" };
    vote(&ballot, v, &place, lines);
    for (u32 k = 0; k < ballot.count; k++)
        if (!best.votes || weight(&ballot.verdict[k]) > weight(&best)) {
            best = ballot.verdict[k];
            sample = ballot.sample[k];
        }
    if (v->gc_ns * 2 >= v->took_ns && v->gc_ns)
        best = (struct verdict){ .kind = FINDING_GC };
    else if (best.kind == FINDING_JAVASCRIPT && are_timers(v))
        best = (struct verdict){ .kind = FINDING_TIMERS };
    out->kind = best.kind;
    out->subject = best.subject;
    out->at = (u32)(CAUSE_ABOVE + best.moved);
    if (best.moved) {
        out->place.line += (u32)best.moved;
        out->place.column = 0;
    }
    if (v->samples) {
        for (u32 i = 0;
             i < v->samples && (!v->sample[sample].text.len || is_excuse(&v->sample[sample])); i++)
            sample = i;
        if (!is_excuse(&v->sample[sample]))
            out->text = v->sample[sample].text;
        out->origin = origin_of(out->text);
    }
    advice_set(out, &best);
}
