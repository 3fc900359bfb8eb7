/* test/fault/faults.c -- faults.so, by LD_PRELOAD: makes one call of fettle's fail, once
 *
 * A site is the place in the program from which a call is made (its return address), in one of
 * fettle's processes. All sites that are reached are counted in a file that all processes have
 * mapped, and the test writes there which of them is to fail next, and how: so one fettle serves
 * for many faults. Only what build/fettle itself calls counts, nothing of the libraries, and
 * nothing of Node.
 *
 * A call that fails does nothing, but for close(), which does close (as Linux does, whatever it
 * returns). FAULT_SHORT is no error: the call moves one byte.
 *
 * All arguments are passed on as six registers: what is wanted is integers and pointers, on
 * machines whose C passes six of them in registers (x86-64, arm64).
 */
#include "calls.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>

/* The system's headers would declare what is defined here with its own arguments. */
extern int *__errno_location(void);
extern long syscall(long number, ...);
extern int getpid(void);
extern char *getenv(const char *name);
extern int strcmp(const char *a, const char *b);
extern void *memcpy(void *to, const void *from, size_t n);

enum { SITES_MAX = 4096, FAULT_SHORT = 0, SYS_OPENAT_READ_WRITE = 02 };

#include <sys/syscall.h>

enum role { ROLE_NONE, ROLE_SUPERVISOR, ROLE_PROXY, ROLE_MONITOR, ROLE_CHILD };
enum failure { MINUS, NOTHING, CODE, DONE };

/* The file: little-endian, as helpers/faults.mjs reads and writes it. */
struct control {
    _Atomic uint64_t key;   /* of the site that is to fail */
    _Atomic int32_t error;  /* errno, or FAULT_SHORT */
    _Atomic uint32_t skip;  /* so many of its calls go well before */
    _Atomic uint32_t state; /* 0: nothing to do; 1: it is to fail; 2: it has failed … */
    _Atomic uint32_t pid;   /* … in this process */
    _Atomic uint64_t keys[SITES_MAX];
    _Atomic uint32_t counts[SITES_MAX];
};

static struct control *control;
static uintptr_t text_begin, text_end;
static enum role role;
static int own_pid;

#define NUMBER(name, fails) CALL_##name,
enum call { FAULT_CALLS(NUMBER) CALLS };
#define NAME(name, fails) #name,
static const char *const names[] = { FAULT_CALLS(NAME) };
#define FAILS(name, fails) fails,
static const uint8_t failures[] = { FAULT_CALLS(FAILS) };

typedef long function(long, long, long, long, long, long);
static function *real[CALLS];

static int program_find(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
            text_begin = info->dlpi_addr;
            text_end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
        }
    return 1; /* the first one is the program */
}

__attribute__((constructor)) static void begin(int argc, char **argv)
{
    const char *file = getenv("FAULTS_FILE"), *name = argc > 1 ? argv[1] : "";
    long fd;

    if (!strcmp(name, "run"))
        role = ROLE_SUPERVISOR;
    else if (!strcmp(name, "__proxy"))
        role = ROLE_PROXY;
    else if (!strcmp(name, "__monitor"))
        role = ROLE_MONITOR;
    if (!role || !file)
        return;
    dl_iterate_phdr(program_find, 0);
    own_pid = getpid();
    fd = syscall(SYS_openat, -100, file, SYS_OPENAT_READ_WRITE, 0);
    if (fd < 0)
        return;
    control = (struct control *)syscall(SYS_mmap, 0, sizeof(*control), 3, 1, fd, 0);
    if ((intptr_t)control < 0 && (intptr_t)control > -4096)
        control = 0;
    syscall(SYS_close, fd);
}

static uint64_t key_of(enum call call, void *from)
{
    uint64_t who = getpid() == own_pid ? role : ROLE_CHILD;

    return who << 56 | (uint64_t)call << 40 | ((uintptr_t)from - text_begin);
}

static void count(uint64_t key)
{
    for (uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 52), n = 0; n < SITES_MAX;
         i++, n++) {
        uint64_t is = 0;

        if (atomic_load(&control->keys[i % SITES_MAX]) == key ||
            atomic_compare_exchange_strong(&control->keys[i % SITES_MAX], &is, key) || is == key) {
            atomic_fetch_add(&control->counts[i % SITES_MAX], 1);
            return;
        }
    }
}

/* Whether this is the call that is to fail. */
static int chosen(enum call call, void *from)
{
    uint32_t is = 1, skip;
    uint64_t key;

    if (!control || (uintptr_t)from < text_begin || (uintptr_t)from >= text_end)
        return 0;
    key = key_of(call, from);
    count(key);
    if (atomic_load(&control->state) != 1 || atomic_load(&control->key) != key)
        return 0;
    skip = atomic_load(&control->skip);
    if (skip) {
        atomic_store(&control->skip, skip - 1);
        return 0;
    }
    if (!atomic_compare_exchange_strong(&control->state, &is, 2))
        return 0;
    atomic_store(&control->pid, (uint32_t)getpid());
    return 1;
}

struct iovec_like {
    char *base;
    size_t len;
};

struct msghdr_like {
    void *name;
    uint32_t name_len;
    struct iovec_like *iov;
    size_t iov_n;
    void *control;
    size_t control_len;
    int flags;
};

/* The same call for one byte. */
static long shortly(enum call call, function *f, long a, long b, long c, long d, long e, long g)
{
    switch (call) {
    case CALL_splice:
        return f(a, b, c, d, 1, g);
    case CALL_sendmsg: {
        struct msghdr_like m = *(struct msghdr_like *)b;
        struct iovec_like one = { 0, 1 };

        for (size_t i = 0; i < m.iov_n && !one.base; i++)
            one.base = m.iov[i].len ? m.iov[i].base : 0;
        m.iov = &one;
        m.iov_n = 1;
        return f(a, (long)&m, c, d, e, g);
    }
    default:
        return f(a, b, 1, d, e, g);
    }
}

static long failed(enum call call, function *f, long a, long b, long c, long d, long e, long g)
{
    int error = atomic_load(&control->error);

    if (error == FAULT_SHORT)
        return shortly(call, f, a, b, c, d, e, g);
    if (failures[call] == DONE)
        f(a, b, c, d, e, g);
    *__errno_location() = error;
    return failures[call] == CODE ? error : failures[call] == NOTHING ? 0 : -1;
}

/* dlsym() takes memory itself. */
extern function __libc_malloc, __libc_calloc, __libc_realloc, __libc_memalign;

static function *real_find(enum call call)
{
    switch (call) {
    case CALL_malloc:
        return __libc_malloc;
    case CALL_calloc:
        return __libc_calloc;
    case CALL_realloc:
        return __libc_realloc;
    case CALL_aligned_alloc:
        return __libc_memalign;
    default:
        return (function *)(uintptr_t)dlsym(RTLD_NEXT, names[call]);
    }
}

static long make(enum call call, void *from, long a, long b, long c, long d, long e, long g)
{
    function *f = real[call];

    if (!f)
        f = real[call] = real_find(call);
    return chosen(call, from) ? failed(call, f, a, b, c, d, e, g) : f(a, b, c, d, e, g);
}

#define DEFINE(name, fails)                                                      \
    extern long name(long a, long b, long c, long d, long e, long g);            \
    long name(long a, long b, long c, long d, long e, long g)                    \
    {                                                                            \
        return make(CALL_##name, __builtin_return_address(0), a, b, c, d, e, g); \
    }
FAULT_CALLS(DEFINE)
