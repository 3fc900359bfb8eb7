/* addon/stack.c -- the JavaScript stack of a blocked main thread, without inspector or port
 *
 * ABI: v8::Local is one pointer, returned in a register; a napi_value is the same pointer, so
 * Node-API's own functions open the handle scope and copy the strings, and no inline code of V8
 * is repeated here. v8::Location is two ints. Tried on Node 18, 20, 22, 24 and 26.
 */
#include "stack.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"
#include "link.h"
#include "native.h"
#include "shm/blocked.h"
#include "stats.h"

enum {
    TEXT_LIMIT_MS = 500, /* how long an interrupt is waited for */
    RECORD_LIMIT_MS = 15,
    RECORD_WAITS = 4, /* so often, while the thread gets no CPU to run on */
    APP_WAITS = 8,    /* so often, for a stack with a frame of the app's */
    RETURNED_MS = 8,  /* JavaScript that runs is interrupted sooner */
    FRAMES_MAX = 64,
    NAME_MAX_BYTES = 512,
    OPTIONS_DETAILED = 0x7f, /* v8::StackTrace::kDetailed and kScriptNameOrSourceURL */
};

struct place {
    int line, column; /* from 0 */
};

static struct {
    void *(*isolate_current)(void);
    void (*interrupt)(void *isolate, void (*fn)(void *isolate, void *data), void *data);
    void *(*trace_current)(void *isolate, int frames, int options);
    int (*frame_count)(const void *trace);
    void *(*frame_get)(const void *trace, void *isolate, uint32_t i);
    void *(*frame_function)(const void *frame);
    void *(*frame_script)(const void *frame);
    struct place (*frame_place)(const void *frame);
    bool (*frame_is_new)(const void *frame);
} v8;

static void symbol(void *pointer, const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    memcpy(pointer, &found, sizeof found);
}

/* What a stack takes. Looked up with each: it takes microseconds, which no start shall wait for. */
static bool symbols_find(void)
{
    symbol(&v8.interrupt, "_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_");
    symbol(&v8.trace_current,
           "_ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateEiNS0_17StackTraceOptionsE");
    symbol(&v8.frame_count, "_ZNK2v810StackTrace13GetFrameCountEv");
    symbol(&v8.frame_get, "_ZNK2v810StackTrace8GetFrameEPNS_7IsolateEj");
    symbol(&v8.frame_function, "_ZNK2v810StackFrame15GetFunctionNameEv");
    symbol(&v8.frame_script, "_ZNK2v810StackFrame24GetScriptNameOrSourceURLEv");
    symbol(&v8.frame_place, "_ZNK2v810StackFrame11GetLocationEv");
    symbol(&v8.frame_is_new, "_ZNK2v810StackFrame13IsConstructorEv");
    return v8.interrupt && v8.trace_current && v8.frame_count && v8.frame_get &&
           v8.frame_function && v8.frame_script && v8.frame_place;
}

/* For whom a stack is: the supervisor, in a message, or the monitor, in the journal. */
enum asker { FOR_TEXT = 1, FOR_RECORD = 2 };

static struct {
    pthread_mutex_t lock; /* guards all of it */
    pthread_cond_t came;
    bool asked;        /* the agent thread waits for an interrupt */
    bool done;         /* ... which has run: the stack is in `text` */
    unsigned late;     /* enum asker: who gets the stack when native code has returned */
    bool queued;       /* V8 holds an interrupt of ours that has not run */
    bool has_app;      /* the newest stack has a frame that is not Node's own */
    uint64_t since_ns; /* the turn that FOR_RECORD asked about */
    napi_env env;
    void *isolate;
    bool hides_symbols;           /* a test wants none */
    void (*opens_inspector)(int); /* Node's own handler of SIGUSR1; NULL: it has none */
    pthread_t thread;             /* the main one */
    uint32_t len;
    char text[WIRE_STACK_MAX];
} s = { .lock = PTHREAD_MUTEX_INITIALIZER };

__attribute__((format(printf, 1, 2))) static void text_add(const char *format, ...)
{
    size_t room = sizeof s.text - s.len;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(s.text + s.len, room, format, args);
    va_end(args);
    if (n > 0)
        s.len += (size_t)n < room ? (uint32_t)n : (uint32_t)room - 1;
}

/* Empty when there is no string. */
static void string_copy(char out[NAME_MAX_BYTES], void *local)
{
    size_t n = 0;

    out[0] = 0;
    if (local &&
        napi_get_value_string_utf8(s.env, (napi_value)local, out, NAME_MAX_BYTES, &n) != napi_ok)
        out[0] = 0;
}

/* The agent's own files, which lie beside this one, are no paths of the app: "fettle:agent.js". */
static void script_copy(char out[NAME_MAX_BYTES], void *local)
{
    Dl_info here;
    const char *slash;
    size_t folder;

    string_copy(out, local);
    if (!dladdr(&s, &here) || !here.dli_fname || !(slash = strrchr(here.dli_fname, '/')))
        return;
    folder = (size_t)(slash + 1 - here.dli_fname);
    if (strncmp(out, here.dli_fname, folder) == 0 && !strchr(out + folder, '/') &&
        strlen(out) - folder + sizeof "fettle:" <= NAME_MAX_BYTES) {
        memmove(out + strlen("fettle:"), out + folder, strlen(out + folder) + 1);
        memcpy(out, "fettle:", strlen("fettle:"));
    }
}

static void frame_add(const void *frame)
{
    char function[NAME_MAX_BYTES], script[NAME_MAX_BYTES];
    struct place at = v8.frame_place(frame);
    const char *prefix = v8.frame_is_new && v8.frame_is_new(frame) ? "new " : "";

    string_copy(function, v8.frame_function(frame));
    script_copy(script, v8.frame_script(frame));
    if (script[0] && strncmp(script, "node:", 5) && strncmp(script, "fettle:", 7))
        s.has_app = true;
    if (function[0])
        text_add("    at %s%s (%s:%d:%d)\n", prefix, function, script[0] ? script : "<anonymous>",
                 at.line + 1, at.column + 1);
    else
        text_add("    at %s%s:%d:%d\n", prefix, script[0] ? script : "<anonymous>", at.line + 1,
                 at.column + 1);
}

static void frames_add(void)
{
    napi_handle_scope scope;
    void *trace;
    int count;

    s.has_app = false;
    if (napi_open_handle_scope(s.env, &scope) != napi_ok)
        return;
    trace = v8.trace_current(s.isolate, FRAMES_MAX, OPTIONS_DETAILED);
    count = trace ? v8.frame_count(trace) : 0;
    for (int i = 0; i < count; i++) {
        void *frame = v8.frame_get(trace, s.isolate, (uint32_t)i);
        if (frame)
            frame_add(frame);
    }
    if (!count)
        text_add("    at <no JavaScript frame>\n");
    napi_close_handle_scope(s.env, scope);
}

static bool loop_waits(void)
{
    return link_here.slot && atomic_load(&link_here.slot->loop.waits_since_ns) != 0;
}

static uint64_t turn_since_ns(void)
{
    return link_here.slot ? atomic_load(&link_here.slot->loop.busy_since_ns) : 0;
}

static void record_put(enum shm_blocked_how how, uint64_t since_ns, const struct native *native)
{
    struct {
        struct shm_blocked blocked;
        char text[SHM_RECORD_MAX - sizeof(struct shm_blocked)];
    } record = { .blocked = { .since_ns = since_ns, .how = how, .call = NATIVE_UNKNOWN } };
    uint32_t len = s.len < sizeof record.text ? s.len : (uint32_t)sizeof record.text;
    bool in_gc;

    record.blocked.gc_ns = stats_gc_in_turn_ns(since_ns, &in_gc);
    record.blocked.in_gc = in_gc;
    if (native) {
        record.blocked.call = native->call;
        memcpy(record.blocked.call_name, native->call_name, sizeof native->call_name);
        memcpy(record.blocked.channel, native->channel, sizeof native->channel);
    }
    memcpy(record.text, s.text, len);
    record.blocked.text_len = len;
    journal_put(SHM_RECORD_BLOCKED, &record, (uint32_t)offsetof(typeof(record), text) + len);
}

/* Native code has returned, and who had asked meanwhile gets the line that called it. */
static void late_answer(void)
{
    unsigned late = s.late;

    s.late = 0;
    if (late & FOR_RECORD && turn_since_ns() == s.since_ns) {
        frames_add();
        record_put(SHM_BLOCKED_RETURNED, s.since_ns, NULL);
    }
    if (late & FOR_TEXT) {
        s.len = 0;
        text_add("in native code until now; it was called from\n");
        frames_add();
        link_stack_text(s.text, s.len);
    }
}

/* On the main thread, between two instructions of its JavaScript. */
static void on_interrupt(void *isolate, void *data)
{
    (void)isolate;
    (void)data;
    pthread_mutex_lock(&s.lock);
    s.queued = false;
    if (s.env) {
        s.len = 0;
        if (s.late)
            late_answer();
        if (s.asked && !s.done) {
            s.len = 0;
            frames_add();
            s.done = true;
            pthread_cond_signal(&s.came);
        }
    }
    pthread_mutex_unlock(&s.lock);
}

static struct timespec limit(int ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_nsec -= 1000000000L;
        t.tv_sec++;
    }
    return t;
}

static uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec t;

    return clock_gettime(clock, &t) ? 0 : (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The CPU time of the main thread. */
static uint64_t cpu_ns(void)
{
    clockid_t clock;

    return pthread_getcpuclockid(s.thread, &clock) ? 0 : clock_read_ns(clock);
}

/* True: the stack is in s.text. */
static bool interrupt_wait(int limit_ms)
{
    struct timespec until = limit(limit_ms);
    int err = 0;

    s.asked = true;
    s.done = false;
    if (!s.queued) {
        s.queued = true;
        v8.interrupt(s.isolate, on_interrupt, NULL);
    }
    while (!s.done && !err)
        err = pthread_cond_timedwait(&s.came, &s.lock, &until);
    s.asked = false;
    return s.done;
}

static bool is_able(void)
{
    return s.env && s.isolate && !s.hides_symbols && symbols_find();
}

static void native_add(const char *why)
{
    struct native native;
    char text[256];

    native_look(&native);
    native_text(&native, text, sizeof text);
    text_add("in native code: %s\n%s", why, text);
}

static void (*sigusr1_handler(void))(int)
{
    struct sigaction now;

    if (sigaction(SIGUSR1, NULL, &now) || now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)
        return NULL;
    return now.sa_handler;
}

/* Why there is no stack, in s.text. An app that handles SIGUSR1 has replaced Node's handler. */
static enum shm_blocked_how unable(void)
{
    text_add("this node does not export what a stack takes");
    if (s.opens_inspector && sigusr1_handler() == s.opens_inspector)
        return SHM_BLOCKED_UNABLE;
    text_add(s.opens_inspector ? ", and its inspector does not open: the app handles SIGUSR1 itself"
                               : ", and its inspector does not open: SIGUSR1 is disabled");
    return SHM_BLOCKED_CLOSED;
}

void stack_answer(void)
{
    bool able;

    pthread_mutex_lock(&s.lock);
    s.late &= ~FOR_TEXT;
    able = is_able();
    if (loop_waits() || !able || !interrupt_wait(TEXT_LIMIT_MS)) {
        s.len = 0;
        if (loop_waits()) {
            text_add("not blocked: the event loop waits for work\n");
        } else if (!able) {
            native_add("or in JavaScript; this node does not export what it takes to tell");
        } else {
            native_add("no JavaScript ran for 500 ms");
            s.late |= FOR_TEXT;
        }
    }
    link_stack_text(s.text, s.len);
    pthread_mutex_unlock(&s.lock);
}

/* Whether the stack that came is worth to be told. One of Node's own frames alone is taken between
 * two callbacks of the app's, or as the turn ends: then the next one is of another turn. */
static bool tells(int *bare, uint64_t since_ns)
{
    return s.has_app || turn_since_ns() != since_ns || (*bare)++ == APP_WAITS;
}

/* True: the stack is in s.text, and *how says of what. Else *native says where the thread is: one
 * that has not got on, and sits nowhere, waits for a CPU and is in no native code. */
static bool record_wait(uint64_t since_ns, enum shm_blocked_how *how, struct native *native)
{
    uint64_t began_ns = clock_read_ns(CLOCK_MONOTONIC), ran_ns;
    int bare = 0;

    *how = SHM_BLOCKED_STACK;
    for (int i = 0; i < RECORD_WAITS;) {
        ran_ns = cpu_ns();
        if (interrupt_wait(RECORD_LIMIT_MS)) {
            if (!i && !bare &&
                clock_read_ns(CLOCK_MONOTONIC) - began_ns >= RETURNED_MS * 1000000u &&
                cpu_ns() - ran_ns >= RETURNED_MS * 1000000u / 2)
                *how = SHM_BLOCKED_RETURNED;
            if (*how == SHM_BLOCKED_RETURNED || tells(&bare, since_ns))
                return true;
            continue;
        }
        native_look(native);
        if (native->call != NATIVE_RUNS || cpu_ns() - ran_ns > RECORD_LIMIT_MS * 1000000u / 4)
            break;
        i++;
    }
    *how = SHM_BLOCKED_NATIVE;
    return false;
}

void stack_record(void)
{
    enum shm_blocked_how how = SHM_BLOCKED_NATIVE;
    struct native native;
    uint64_t since_ns;
    bool able;

    pthread_mutex_lock(&s.lock);
    able = is_able();
    since_ns = turn_since_ns();
    s.late &= ~FOR_RECORD;
    s.len = 0;
    native_look(&native);
    if (since_ns && able && record_wait(since_ns, &how, &native)) {
        if (turn_since_ns() == since_ns) /* else it is of another turn */
            record_put(how, since_ns, NULL);
    } else if (since_ns && turn_since_ns() == since_ns) {
        s.len = 0;
        if (!able)
            how = unable();
        record_put(how, since_ns, &native);
        s.since_ns = since_ns;
        if (able)
            s.late |= FOR_RECORD;
    }
    pthread_mutex_unlock(&s.lock);
}

void *stack_isolate(void)
{
    return s.isolate;
}

void stack_init(napi_env env)
{
    pthread_condattr_t clock;

    symbol(&v8.isolate_current, "_ZN2v87Isolate13TryGetCurrentEv");
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&s.came, &clock);
    pthread_condattr_destroy(&clock);
    s.env = env;
    s.thread = pthread_self();
    s.hides_symbols = getenv("TEST_FETTLE_NO_V8_SYMBOLS") != NULL;
    s.opens_inspector = sigusr1_handler();
    if (v8.isolate_current)
        s.isolate = v8.isolate_current();
}

void stack_done(void)
{
    pthread_mutex_lock(&s.lock);
    s.env = NULL;
    s.isolate = NULL;
    pthread_mutex_unlock(&s.lock);
}
