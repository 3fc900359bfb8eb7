/* addon/stats.c -- writes struct shm_agent */
#include "stats.h"

#include "allocated.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef void gc_fn(void *isolate, int type, int flags, void *data);

static struct {
    void (*prologue_add)(void *isolate, gc_fn *, void *data, int types);
    void (*epilogue_add)(void *isolate, gc_fn *, void *data, int types);
    void (*prologue_remove)(void *isolate, gc_fn *, void *data);
    void (*epilogue_remove)(void *isolate, gc_fn *, void *data);
} v8;

enum {
    GC_ALL = 1 | 2 | 4 | 8 | 16
}; /* v8::GCType: scavenge, minor, mark-compact, incremental, weak */

static struct shm_agent *out; /* the main environment's; NULL: nobody looks */
static void *gc_isolate;
static uint64_t gc_began_ns[SHM_GC_KINDS];

/* Of the turn in which the newest collection began. One within another (a weak callback's) counts
 * once. Written on the main thread, read on any: a reader may find the words of two turns, and then
 * asks about neither. */
static struct {
    const _Atomic uint64_t *busy_since_ns; /* of the loop; NULL: not known */
    _Atomic uint64_t since_ns;             /* the turn */
    _Atomic uint64_t sum_ns;               /* of the collections that have ended in it */
    _Atomic uint64_t running_ns;           /* when the one that runs began; 0: none does */
    unsigned depth;
} turn;

static uint64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t get(_Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void set(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static void updated(void)
{
    set(&out->updated_ns, clock_ns());
    atomic_store_explicit(&out->updates, get(&out->updates) + 1, memory_order_release);
}

void stats_gc_add(uint32_t kind, uint64_t took_ns)
{
    static const uint64_t le_ns[] = { 1000000,    10000000,   100000000,
                                      1000000000, 2000000000, 5000000000 };
    struct shm_gc *gc;
    unsigned i = 0;

    if (!out || kind >= SHM_GC_KINDS)
        return;
    gc = &out->gc[kind];
    while (i < sizeof le_ns / sizeof *le_ns && took_ns > le_ns[i])
        i++;
    set(&gc->bucket[i], get(&gc->bucket[i]) + 1);
    set(&gc->total_ns, get(&gc->total_ns) + took_ns);
    if (took_ns > get(&gc->max_ns))
        set(&gc->max_ns, took_ns);
    atomic_store_explicit(&gc->count, get(&gc->count) + 1, memory_order_release);
    updated();
}

static void turn_gc_begin(void)
{
    uint64_t since_ns;

    if (!turn.busy_since_ns)
        return;
    since_ns = get((_Atomic uint64_t *)(uintptr_t)turn.busy_since_ns);
    if (since_ns != get(&turn.since_ns)) {
        set(&turn.sum_ns, 0);
        set(&turn.since_ns, since_ns);
        turn.depth = 0;
    }
    if (turn.depth++)
        return;
    set(&turn.running_ns, clock_ns());
}

static void turn_gc_end(void)
{
    if (!turn.busy_since_ns || !turn.depth || --turn.depth)
        return;
    set(&turn.sum_ns, get(&turn.sum_ns) + clock_ns() - get(&turn.running_ns));
    set(&turn.running_ns, 0);
}

uint64_t stats_gc_in_turn_ns(uint64_t since_ns, bool *now)
{
    uint64_t began_ns = get(&turn.running_ns), now_ns = clock_ns();

    *now = false;
    if (!since_ns || get(&turn.since_ns) != since_ns)
        return 0;
    *now = began_ns != 0;
    return get(&turn.sum_ns) + (began_ns && now_ns > began_ns ? now_ns - began_ns : 0);
}

static int gc_kind(int type)
{
    switch (type) {
    case 1: /* scavenge */
    case 2: /* minor mark-sweep */
        return 0;
    case 4:
        return 1;
    case 8:
        return 2;
    case 16:
        return 3;
    default:
        return -1;
    }
}

static void gc_begin(void *isolate, int type, int flags, void *data)
{
    int kind = gc_kind(type);

    (void)isolate;
    (void)flags;
    (void)data;
    allocated_gc_begin();
    turn_gc_begin();
    if (kind >= 0)
        gc_began_ns[kind] = clock_ns();
}

static void gc_end(void *isolate, int type, int flags, void *data)
{
    int kind = gc_kind(type);

    (void)isolate;
    (void)flags;
    (void)data;
    allocated_gc_end();
    turn_gc_end();
    if (kind < 0 || !gc_began_ns[kind])
        return;
    stats_gc_add((uint32_t)kind, clock_ns() - gc_began_ns[kind]);
    gc_began_ns[kind] = 0;
}

static void symbol(void *pointer, const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    memcpy(pointer, &found, sizeof found);
}

bool stats_init(struct shm_agent *a, void *isolate, const _Atomic uint64_t *busy_since_ns)
{
    out = a;
    if (!out)
        return true;
    memset(out, 0, sizeof *out);
    turn.busy_since_ns = busy_since_ns;
    symbol(&v8.prologue_add, "_ZN2v87Isolate21AddGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_"
                             "15GCCallbackFlagsEPvES4_S2_");
    symbol(&v8.epilogue_add, "_ZN2v87Isolate21AddGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_"
                             "15GCCallbackFlagsEPvES4_S2_");
    symbol(&v8.prologue_remove, "_ZN2v87Isolate24RemoveGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_"
                                "15GCCallbackFlagsEPvES4_");
    symbol(&v8.epilogue_remove, "_ZN2v87Isolate24RemoveGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_"
                                "15GCCallbackFlagsEPvES4_");
    if (!isolate || !v8.prologue_add || !v8.epilogue_add || !v8.prologue_remove ||
        !v8.epilogue_remove)
        return false;
    gc_isolate = isolate;
    v8.prologue_add(isolate, gc_begin, NULL, GC_ALL);
    v8.epilogue_add(isolate, gc_end, NULL, GC_ALL);
    return true;
}

void stats_done(void)
{
    if (gc_isolate) {
        v8.prologue_remove(gc_isolate, gc_begin, NULL);
        v8.epilogue_remove(gc_isolate, gc_end, NULL);
    }
    gc_isolate = NULL;
    out = NULL;
    allocated_done();
}

bool stats_space_name(uint32_t i, const char *name)
{
    size_t len = strlen(name), suffix = strlen("_space");
    int kept;

    if (!out || i >= SHM_SPACES_MAX)
        return false;
    if (len >= sizeof out->space[i].name && len > suffix) /* readers leave the suffix out anyway */
        len -= suffix;
    kept = len < sizeof out->space[i].name ? (int)len : (int)sizeof out->space[i].name - 1;
    snprintf(out->space[i].name, sizeof out->space[i].name, "%.*s", kept, name);
    return true;
}

bool stats_resource_name(uint32_t i, const char *type, uint32_t kind)
{
    if (!out || i >= SHM_RESOURCES_MAX)
        return false;
    snprintf(out->resource[i].type, sizeof out->resource[i].type, "%s", type);
    atomic_store_explicit(&out->resource[i].kind, kind, memory_order_relaxed);
    return true;
}

static uint64_t whole(double n)
{
    return n > 0 && n < 1e19 ? (uint64_t)n : 0;
}

static uint32_t count(double n, uint32_t max)
{
    uint64_t c = whole(n);

    return c < max ? (uint32_t)c : max;
}

void stats_publish(const double n[STATS_NUMBERS])
{
    uint32_t spaces = count(n[STATS_SPACES], SHM_SPACES_MAX);
    uint32_t resources = count(n[STATS_RESOURCES], SHM_RESOURCES_MAX);

    if (!out)
        return;
    set(&out->heap_total_bytes, whole(n[STATS_HEAP_TOTAL]));
    set(&out->heap_used_bytes, whole(n[STATS_HEAP_USED]));
    set(&out->heap_limit_bytes, whole(n[STATS_HEAP_LIMIT]));
    set(&out->external_bytes, whole(n[STATS_EXTERNAL]));
    set(&out->array_buffers_bytes, whole(n[STATS_ARRAY_BUFFERS]));
    set(&out->malloced_bytes, whole(n[STATS_MALLOCED]));
    for (uint32_t i = 0; i < spaces; i++) {
        const double *of = n + STATS_FIRST_SPACE + 4 * i;
        set(&out->space[i].size_bytes, whole(of[0]));
        set(&out->space[i].used_bytes, whole(of[1]));
        set(&out->space[i].available_bytes, whole(of[2]));
        set(&out->space[i].physical_bytes, whole(of[3]));
    }
    for (uint32_t i = 0; i < resources; i++)
        atomic_store_explicit(&out->resource[i].count,
                              count(n[STATS_FIRST_RESOURCE + i], UINT32_MAX), memory_order_relaxed);
    atomic_store_explicit(&out->spaces, spaces, memory_order_release);
    atomic_store_explicit(&out->resources, resources, memory_order_release);
    updated();
}
