/* addon/stack.c -- the JavaScript stack of a blocked main thread, without inspector or port
 *
 * ABI: v8::Local is one pointer, returned in a register; a napi_value is the same pointer, so
 * Node-API's own functions open the handle scope and copy the strings, and no inline code of V8
 * is repeated here. v8::Location is two ints. Tried on Node 18, 20, 22, 24 and 26.
 */
#include "stack.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "link.h"

enum {
    LIMIT_MS = 500,
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

enum asked { IDLE, ASKED, DONE, LATE };

static struct {
    pthread_mutex_t lock; /* guards all of it */
    pthread_cond_t came;
    enum asked asked;
    bool queued; /* V8 holds an interrupt of ours that has not run */
    napi_env env;
    void *isolate;
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

static void frame_add(const void *frame)
{
    char function[NAME_MAX_BYTES], script[NAME_MAX_BYTES];
    struct place at = v8.frame_place(frame);
    const char *prefix = v8.frame_is_new && v8.frame_is_new(frame) ? "new " : "";

    string_copy(function, v8.frame_function(frame));
    string_copy(script, v8.frame_script(frame));
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

/* On the main thread, between two instructions of its JavaScript. */
static void on_interrupt(void *isolate, void *data)
{
    (void)isolate;
    (void)data;
    pthread_mutex_lock(&s.lock);
    s.queued = false;
    if (s.env && (s.asked == ASKED || s.asked == LATE)) {
        s.len = 0;
        if (s.asked == LATE)
            text_add("in native code until now; it was called from\n");
        frames_add();
        if (s.asked == LATE) {
            link_stack_text(s.text, s.len);
            s.asked = IDLE;
        } else {
            s.asked = DONE;
            pthread_cond_signal(&s.came);
        }
    }
    pthread_mutex_unlock(&s.lock);
}

/* The first line of a file of the main thread's in /proc, without the newline. */
static void proc_read(const char *name, char *out, size_t max)
{
    char path[64];
    ssize_t n;
    int fd;

    out[0] = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", link_here.main_tid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    n = read(fd, out, max - 1);
    close(fd);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

/* The system calls in which a Node process is usually stuck, x86-64 and arm64 share no numbers. */
static const char *call_name(long number)
{
#if defined(__x86_64__)
    static const struct {
        int number;
        const char *name;
    } calls[] = {
        { 0, "read" },
        { 1, "write" },
        { 7, "poll" },
        { 17, "pread64" },
        { 18, "pwrite64" },
        { 20, "writev" },
        { 35, "nanosleep" },
        { 43, "accept" },
        { 42, "connect" },
        { 45, "recvfrom" },
        { 47, "recvmsg" },
        { 44, "sendto" },
        { 61, "wait4" },
        { 73, "flock" },
        { 72, "fcntl" },
        { 74, "fsync" },
        { 75, "fdatasync" },
        { 202, "futex" },
        { 230, "clock_nanosleep" },
        { 232, "epoll_wait" },
        { 247, "waitid" },
        { 257, "openat" },
        { 262, "newfstatat" },
        { 281, "epoll_pwait" },
        { 332, "statx" },
        { 271, "ppoll" },
        { 217, "getdents64" },
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return calls[i].name;
#else
    (void)number;
#endif
    return NULL;
}

static void native_add(const char *why)
{
    char call[128], channel[64], *end;
    const char *name;
    long number;

    proc_read("syscall", call, sizeof call);
    proc_read("wchan", channel, sizeof channel);
    number = strtol(call, &end, 10);
    text_add("in native code: %s\n", why);
    if (end == call) {
        text_add("    the main thread is running on a CPU, outside of any system call\n");
        return;
    }
    name = call_name(number);
    text_add("    the main thread sits in system call %ld", number);
    if (name)
        text_add(" (%s)", name);
    if (channel[0] && strcmp(channel, "0") != 0)
        text_add(", kernel function %s", channel);
    text_add("\n");
}

static bool loop_waits(void)
{
    return link_here.slot && atomic_load(&link_here.slot->loop.waits_since_ns) != 0;
}

static struct timespec limit(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += LIMIT_MS * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_nsec -= 1000000000L;
        t.tv_sec++;
    }
    return t;
}

static void interrupt_wait(void)
{
    struct timespec until = limit();
    int err = 0;

    s.asked = ASKED;
    if (!s.queued) {
        s.queued = true;
        v8.interrupt(s.isolate, on_interrupt, NULL);
    }
    while (s.asked == ASKED && !err)
        err = pthread_cond_timedwait(&s.came, &s.lock, &until);
}

void stack_answer(void)
{
    bool able;

    pthread_mutex_lock(&s.lock);
    s.asked = IDLE;
    able = s.env && s.isolate && symbols_find();
    if (able && !loop_waits())
        interrupt_wait();
    if (s.asked == DONE) {
        s.asked = IDLE;
    } else {
        s.len = 0;
        if (loop_waits()) {
            text_add("not blocked: the event loop waits for work\n");
            s.asked = IDLE;
        } else if (!able) {
            native_add("or in JavaScript; this node does not export what it takes to tell");
            s.asked = IDLE;
        } else {
            native_add("no JavaScript ran for 500 ms");
            s.asked = LATE;
        }
    }
    link_stack_text(s.text, s.len);
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
