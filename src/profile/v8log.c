/* profile/v8log.c -- lines in, a tree of calls out */
#include "profile/v8log.h"

#include "profile/codemap.h"
#include "profile/frame_table.h"

#include <math.h>

/* Frames of a tick: V8 writes 255 at most. */
enum { STACK_MAX = 1024, NODES_MAX = 1 << 28, CACHE_SLOTS = 1 << 12 };
/* As far from the tick before as that many ticks: nothing ran. */
enum { GAP_TICKS = 20 };
/* enum StateTag of V8. */
enum { VM_GC = 1, VM_IDLE = 8 };
/* Two bits of what an address is, below the number of its frame. */
enum what { WHAT_JS, WHAT_HANDLER, WHAT_OTHER };

struct log {
    struct profile *p;
    struct frame_table frames;
    struct codemap map;
    struct buf text;
    u32 empty; /* the number of "" */
    u32 node_cap;
    u32 *child_slot, child_slots; /* 1 + node, by parent and frame */
    u32 root, gc, idle, program;
    double interval_us, last_us, busy_us, gap_us;
    u64 busy_steps;
    struct cached {
        u64 address;
        u32 what, version;
    } cache[CACHE_SLOTS]; /* what was found lately */
    u32 version;          /* of the map */
    bool failed;
};

/* ---- Fields ---- */

/* The next field of a line; false: there is none. */
static bool field(struct str *line, struct str *out)
{
    const char *comma;

    if (!line->ptr)
        return false;
    comma = memchr(line->ptr, ',', line->len);
    *out = str_make(line->ptr, comma ? (size_t)(comma - line->ptr) : line->len);
    *line = comma ? str_sub(*line, out->len + 1, line->len) : (struct str){ 0 };
    return true;
}

static bool hex(struct str s, u64 *out)
{
    u64 n = 0;

    if (s.len > 2 && s.ptr[0] == '0' && s.ptr[1] == 'x')
        s = str_sub(s, 2, s.len);
    if (!s.len || s.len > 16)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        u32 digit = c >= '0' && c <= '9' ? (u32)(c - '0') : ((u32)c | 32) - 'a' + 10;

        if (digit > 15)
            return false;
        n = n << 4 | digit;
    }
    *out = n;
    return true;
}

static bool decimal(struct str s, u64 *out)
{
    u64 n = 0;

    if (!s.len || s.len > 18)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        n = n * 10 + (u64)(s.ptr[i] - '0');
    }
    *out = n;
    return true;
}

static bool hex_field(struct str *line, u64 *out)
{
    struct str f;

    return field(line, &f) && hex(f, out);
}

static bool decimal_field(struct str *line, u64 *out)
{
    struct str f;

    return field(line, &f) && decimal(f, out);
}

/* A name without V8's escapes: \x2C, \n, \\, \u1234. */
static struct str unescaped(struct log *l, struct str s)
{
    if (!memchr(s.ptr, '\\', s.len))
        return s;
    buf_clear(&l->text);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], next = i + 1 < s.len ? s.ptr[i + 1] : '\0', utf8[STR_UTF8_MAX];
        size_t digits = next == 'x' ? 2 : next == 'u' ? 4 : 0;
        u64 code;

        if (c != '\\') {
            buf_addc(&l->text, c);
        } else if (digits && hex(str_sub(s, i + 2, digits), &code) && i + 2 + digits <= s.len) {
            code = code >= 0xd800 && code < 0xe000 ? 0xfffd : code;
            buf_add(&l->text, str_make(utf8, str_put_utf8(utf8, (u32)code)));
            i += 1 + digits;
        } else {
            buf_addc(&l->text, next == 'n' ? '\n' : next ? next : '\\');
            i++;
        }
    }
    return buf_str(&l->text);
}

/* ---- Names ---- */

static u32 frame_of(struct log *l, struct str name, struct str url, int32_t line, int32_t column)
{
    struct names *n = &l->p->names;
    u32 frame = frame_table_intern(
        &l->frames, l->p,
        (struct profile_frame){ names_intern(n, name), names_intern(n, url), line, column });

    l->failed |= frame == PROFILE_NONE;
    return frame;
}

/* ":12" at the end. */
static bool number_cut(struct str *s, int32_t *out)
{
    size_t i = s->len;
    u64 n;

    while (i && s->ptr[i - 1] >= '0' && s->ptr[i - 1] <= '9')
        i--;
    if (!i || s->ptr[i - 1] != ':' || !decimal(str_sub(*s, i, s->len), &n) || n > INT32_MAX)
        return false;
    *out = (int32_t)n - 1;
    s->len = i - 1;
    return true;
}

/* Where the file begins in "get x file:///srv/my app.js": both may have blanks. */
static size_t file_begin(struct str s)
{
    static const struct str starts[] = { STR(" /"), STR(" file:"), STR(" node:"), STR(" http") };
    size_t first = SIZE_MAX;

    for (u32 i = 0; i < ARRAY_LEN(starts); i++) {
        const char *hit = memmem(s.ptr, s.len, starts[i].ptr, starts[i].len);

        if (hit)
            first = min(first, (size_t)(hit - s.ptr));
    }
    if (first != SIZE_MAX)
        return first;
    for (size_t i = s.len; i-- > 0;)
        if (s.ptr[i] == ' ')
            return i;
    return s.len;
}

/* "hot /srv/app.js:3:18" */
static u32 js_frame(struct log *l, struct str s)
{
    int32_t line = -1, column = -1;
    struct str name;
    size_t at;

    s = unescaped(l, s);
    if (number_cut(&s, &column) && !number_cut(&s, &line)) {
        line = column;
        column = -1;
    }
    at = file_begin(s);
    name = str_sub(s, 0, at);
    if (str_eq(name, STR("<anonymous>")))
        name = (struct str){ 0 };
    return frame_of(l, name, str_trim(str_sub(s, at, s.len)), line, column);
}

static bool is_js(struct str type)
{
    return str_eq(type, STR("JS")) || str_eq(type, STR("LazyCompile")) ||
           str_eq(type, STR("Function")) || str_eq(type, STR("Script")) ||
           str_eq(type, STR("Eval"));
}

/* Without ",0x…,*" at the end: the function and its tier. */
static struct str without_tier(struct str s)
{
    size_t i = s.len, tier;

    while (i && s.ptr[i - 1] != ',')
        i--;
    tier = i;
    if (!tier || s.len - tier > 4)
        return s;
    for (i = tier - 1; i && s.ptr[i - 1] != ',';)
        i--;
    return i && i + 2 < tier && s.ptr[i] == '0' && s.ptr[i + 1] == 'x' ? str_sub(s, 0, i - 1) : s;
}

/* ---- Lines ---- */

static void changed(struct log *l, bool fine)
{
    l->failed |= !fine;
    l->version++;
}

/* code-creation,TYPE,KIND,TIME,ADDRESS,SIZE,NAME[,FUNCTION,TIER] */
static void code_creation(struct log *l, struct str line)
{
    struct str type, ignored;
    u64 begin, bytes;
    u32 frame, what = WHAT_OTHER;

    if (!field(&line, &type) || !field(&line, &ignored) || !field(&line, &ignored) ||
        !hex_field(&line, &begin) || !decimal_field(&line, &bytes) || !line.ptr)
        return;
    if (is_js(type)) {
        what = WHAT_JS;
        frame = js_frame(l, without_tier(line));
    } else {
        struct str name = unescaped(l, line);
        AUTO(buf_done) struct buf full = { 0 };

        if (str_eq(type, STR("BytecodeHandler")))
            what = WHAT_HANDLER;
        if (!str_eq(type, STR("Builtin")) && what != WHAT_HANDLER)
            buf_addf(&full, "%.*s: ", STR_ARG(type));
        buf_add(&full, name);
        l->failed |= full.failed;
        frame = frame_of(l, buf_str(&full), STR(""), -1, -1);
    }
    changed(l, frame == PROFILE_NONE || codemap_add(&l->map, begin, bytes, frame << 2 | what));
}

static void code_move(struct log *l, struct str line)
{
    u64 from, to;

    if (hex_field(&line, &from) && hex_field(&line, &to))
        changed(l, codemap_move(&l->map, from, to));
}

static void code_delete(struct log *l, struct str line)
{
    u64 begin;

    if (!hex_field(&line, &begin))
        return;
    codemap_remove(&l->map, begin);
    changed(l, true);
}

static void shared_library(struct log *l, struct str line)
{
    struct str path;
    u64 begin, end;
    size_t name;
    u32 frame;

    if (!field(&line, &path) || !hex_field(&line, &begin) || !hex_field(&line, &end))
        return;
    path = unescaped(l, path);
    for (name = path.len; name && path.ptr[name - 1] != '/';)
        name--;
    frame = frame_of(l, str_sub(path, name, path.len), STR(""), -1, -1);
    changed(l,
            frame == PROFILE_NONE || codemap_library(&l->map, begin, end, frame << 2 | WHAT_OTHER));
}

static void interval_note(struct log *l, struct str line)
{
    struct str what;
    u64 us;

    if (field(&line, &what) && str_eq(what, STR("begin")) && decimal_field(&line, &us) && us)
        l->interval_us = (double)us;
}

/* ---- Ticks ---- */

static u32 find(struct log *l, u64 address)
{
    struct cached *c = &l->cache[(address * 0x9e3779b97f4a7c15ull) >> 52];

    if (c->address != address || c->version != l->version)
        *c = (struct cached){ address, codemap_find(&l->map, address), l->version };
    return c->what;
}

static u64 child_hash(u32 parent, u32 frame)
{
    u64 x = ((u64)parent << 32 | frame) * 0x9e3779b97f4a7c15ull;

    return x ^ x >> 29;
}

static bool children_grow(struct log *l)
{
    u32 slots = l->child_slots ? l->child_slots * 2 : 4096, *slot;

    if (l->p->nodes == l->node_cap) {
        u32 cap = l->node_cap ? l->node_cap * 2 : 1024;
        struct profile_node *more =
            cap <= NODES_MAX ? realloc(l->p->node, cap * sizeof(*more)) : NULL;

        if (!more)
            return false;
        l->p->node = more;
        l->node_cap = cap;
    }
    if (l->p->nodes < l->child_slots / 2)
        return true;
    slot = calloc(slots, sizeof(u32));
    if (!slot)
        return false;
    for (u32 i = 0; i < l->p->nodes; i++) {
        u32 at = (u32)child_hash(l->p->node[i].parent, l->p->node[i].frame) & (slots - 1);

        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    free(l->child_slot);
    l->child_slot = slot;
    l->child_slots = slots;
    return true;
}

/* The call of `frame` by `parent`, new or known; PROFILE_NONE: out of memory. */
static u32 child(struct log *l, u32 parent, u32 frame)
{
    u32 at;

    if (parent == PROFILE_NONE && l->p->nodes)
        return PROFILE_NONE;
    if (frame == PROFILE_NONE || !children_grow(l)) {
        l->failed = true;
        return PROFILE_NONE;
    }
    for (at = (u32)child_hash(parent, frame) & (l->child_slots - 1); l->child_slot[at];
         at = (at + 1) & (l->child_slots - 1)) {
        const struct profile_node *n = &l->p->node[l->child_slot[at] - 1];

        if (n->parent == parent && n->frame == frame)
            return l->child_slot[at] - 1;
    }
    l->p->node[l->p->nodes] = (struct profile_node){ parent, frame, 0 };
    l->child_slot[at] = ++l->p->nodes;
    return l->p->nodes - 1;
}

/* The addresses after the first, the callers'; returns how many. */
static u32 stack_read(struct str line, u64 before, u64 *stack)
{
    struct str f;
    u32 n = 0;

    while (n < STACK_MAX && field(&line, &f)) {
        bool relative = f.len && (f.ptr[0] == '+' || f.ptr[0] == '-');
        u64 address;

        if (!hex(relative ? str_sub(f, 1, f.len) : f, &address))
            continue; /* "overflow" */
        if (relative)
            before = address = f.ptr[0] == '+' ? before + address : before - address;
        stack[n++] = address;
    }
    return n;
}

/* The call in which a tick was, from the outermost one in. */
static u32 call_of(struct log *l, u64 pc, u64 callee, const u64 *stack, u32 depth)
{
    u32 node = l->root, top = find(l, pc), caller = CODEMAP_NONE;
    bool any = false;

    if (callee)
        caller = find(l, callee);
    if (caller != CODEMAP_NONE && (caller & 3) != WHAT_JS)
        caller = CODEMAP_NONE;
    for (u32 i = depth; i-- > 0;) {
        u32 what = find(l, stack[i]);

        if (what == CODEMAP_NONE || (what & 3) == WHAT_HANDLER)
            continue;
        node = child(l, node, what >> 2);
        any = true;
    }
    if (caller != CODEMAP_NONE) {
        node = child(l, node, caller >> 2);
        any = true;
    }
    if (top == CODEMAP_NONE || (top & 3) == WHAT_HANDLER)
        return any ? node : l->program;
    return child(l, node, top >> 2);
}

static void time_note(struct log *l, double us)
{
    double step = us - l->last_us;

    if (step > GAP_TICKS * l->interval_us) {
        l->gap_us += step;
    } else if (step > 0) {
        l->busy_us += step;
        l->busy_steps++;
    }
    l->last_us = max(us, l->last_us);
}

/* tick,PC,TIME,EXTERNAL?,CALLBACK OR TOP OF STACK,STATE,STACK… */
static void tick(struct log *l, struct str line)
{
    u64 pc, us, external, top, state, stack[STACK_MAX];
    u32 depth, node;

    if (!hex_field(&line, &pc) || !decimal_field(&line, &us) || !decimal_field(&line, &external) ||
        !hex_field(&line, &top) || !decimal_field(&line, &state))
        return;
    time_note(l, (double)us);
    if (external) { /* where it is says less than which callback it is in */
        pc = top;
        top = 0;
    }
    depth = stack_read(line, pc, stack);
    node = state == VM_GC ? l->gc : state == VM_IDLE ? l->idle : call_of(l, pc, top, stack, depth);
    if (node == PROFILE_NONE)
        return;
    l->p->node[node].hits++;
    l->p->hits++;
}

static bool starts(struct str *line, struct str with)
{
    if (!str_starts(*line, with))
        return false;
    *line = str_sub(*line, with.len, line->len);
    return true;
}

static void line_read(struct log *l, struct str line)
{
    if (starts(&line, STR("tick,")))
        tick(l, line);
    else if (starts(&line, STR("code-creation,")))
        code_creation(l, line);
    else if (starts(&line, STR("code-move,")))
        code_move(l, line);
    else if (starts(&line, STR("code-delete,")))
        code_delete(l, line);
    else if (starts(&line, STR("shared-library,")))
        shared_library(l, line);
    else if (starts(&line, STR("profiler,")))
        interval_note(l, line);
}

static bool begin(struct log *l)
{
    u32 root = frame_of(l, STR("(root)"), STR(""), -1, -1);

    l->root = child(l, PROFILE_NONE, root);
    l->program = child(l, l->root, frame_of(l, STR("(program)"), STR(""), -1, -1));
    l->idle = child(l, l->root, frame_of(l, STR("(idle)"), STR(""), -1, -1));
    l->gc = child(l, l->root, frame_of(l, STR("(garbage collector)"), STR(""), -1, -1));
    return !l->failed;
}

/* Gaps become as many idle ticks as would fit in. */
static void end(struct log *l)
{
    double step = l->busy_steps ? l->busy_us / (double)l->busy_steps : l->interval_us;
    u64 idle = step > 0 ? (u64)min(l->gap_us / step + 0.5, 1e15) : 0;

    l->p->node[l->idle].hits += idle;
    l->p->hits += idle;
    l->p->end_us = l->last_us;
}

bool v8log_is(struct str bytes)
{
    return str_starts(bytes, STR("v8-version,"));
}

int v8log_read(struct profile *out, struct str bytes, struct problem *p)
{
    struct log *l = calloc(1, sizeof(*l));
    const char *at = bytes.ptr, *stop = bytes.ptr + bytes.len;
    bool fine = l;

    *out = (struct profile){ 0 };
    if (!l)
        return -ENOMEM;
    *l = (struct log){ .p = out, .interval_us = 1000, .version = 1 };
    fine = begin(l);
    while (fine && at < stop && !l->failed) {
        const char *eol = memchr(at, '\n', (size_t)(stop - at));

        line_read(l, str_make(at, (size_t)((eol ? eol : stop) - at)));
        at = eol ? eol + 1 : stop;
    }
    fine &= !l->failed && !l->text.failed;
    if (fine && out->hits)
        end(l);
    frame_table_done(&l->frames);
    codemap_done(&l->map);
    buf_done(&l->text);
    free(l->child_slot);
    free(l);
    if (!fine)
        return -ENOMEM;
    return out->hits
               ? 0
               : problem_set(
                     p, "there is no tick in this log of V8's: was it written by node --prof?");
}
