/* addon/allocated.c -- how many bytes the main thread's JavaScript has allocated */
#include "allocated.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* v8::HeapStatistics begins with these in all versions since 2017 (v8-statistics.h); what stands
 * behind them differs. */
struct statistics {
    size_t heap_total, heap_executable, physical, available, heap_used, heap_limit;
    size_t malloced, external;
    size_t more[56];
};

static struct {
    void *isolate; /* NULL: not known how */
    void (*get)(void *isolate, struct statistics *out);
    uint64_t sum;
    size_t heap_used, external; /* as they were when `sum` was true */
    bool unsure;
} allocated;

static void look(struct statistics *s)
{
    memset(s, 0, sizeof *s);
    allocated.get(allocated.isolate, s);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

bool allocated_init(void *isolate, const struct allocated_figures *now)
{
    enum { NEAR = 1 << 20 };
    void *get = dlsym(RTLD_DEFAULT, "_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE");
    struct statistics s;

    if (!isolate || !get)
        return false;
    memcpy(&allocated.get, &get, sizeof get);
    allocated.isolate = isolate;
    look(&s);
    if (s.heap_limit != now->heap_limit_bytes || s.heap_used > s.heap_total ||
        apart(s.heap_total, now->heap_total_bytes) > NEAR ||
        apart(s.heap_used, now->heap_used_bytes) > NEAR) {
        allocated.isolate = NULL;
        return false;
    }
    allocated.heap_used = s.heap_used;
    allocated.external = s.external;
    return true;
}

void allocated_done(void)
{
    allocated.isolate = NULL;
}

static void take(const struct statistics *s)
{
    if (s->heap_used > allocated.heap_used)
        allocated.sum += s->heap_used - allocated.heap_used;
    if (s->external > allocated.external)
        allocated.sum += s->external - allocated.external;
    allocated.unsure |= s->external < allocated.external;
    allocated.heap_used = s->heap_used;
    allocated.external = s->external;
}

void allocated_gc_begin(void)
{
    struct statistics s;

    if (!allocated.isolate)
        return;
    look(&s);
    take(&s);
}

void allocated_gc_end(void)
{
    struct statistics s;

    if (!allocated.isolate)
        return;
    look(&s);
    allocated.heap_used = s.heap_used;
    allocated.external = s.external;
}

uint64_t allocated_bytes(bool *unsure)
{
    struct statistics s;

    *unsure = true;
    if (!allocated.isolate)
        return 0;
    look(&s);
    take(&s);
    *unsure = allocated.unsure;
    allocated.unsure = false;
    return allocated.sum;
}
