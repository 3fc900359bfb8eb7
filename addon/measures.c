/* addon/measures.c -- writes struct shm_measures */
#include "measures.h"

#include <stdio.h>
#include <string.h>

static struct shm_measures *out;

static void add(_Atomic uint64_t *word, uint64_t n)
{
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static uint32_t add_name(enum shm_measure_kind kind, const char *name)
{
    uint32_t i = atomic_load_explicit(&out->count, memory_order_relaxed);
    struct shm_measure *m = &out->measure[i];

    memset(m, 0, sizeof *m);
    snprintf(m->name, sizeof m->name, "%s", name);
    atomic_store_explicit(&m->kind, kind, memory_order_relaxed);
    atomic_store_explicit(&out->count, i + 1, memory_order_release);
    return i;
}

void measures_init(struct shm_measures *m)
{
    out = m;
    if (!out)
        return;
    atomic_store_explicit(&out->count, 0, memory_order_release);
    for (int kind = 0; kind < SHM_MEASURE_KINDS; kind++)
        add_name((enum shm_measure_kind)kind, "(other)"); /* their number is their kind */
}

void measures_done(void)
{
    out = NULL;
}

uint32_t measures_number(enum shm_measure_kind kind, const char *name)
{
    uint32_t count = out ? atomic_load_explicit(&out->count, memory_order_relaxed) : 0;

    for (uint32_t i = 0; i < count; i++)
        if (atomic_load_explicit(&out->measure[i].kind, memory_order_relaxed) == kind &&
            strncmp(out->measure[i].name, name, SHM_MEASURE_NAME_MAX - 1) == 0)
            return i;
    if (!count || count >= SHM_MEASURES_MAX)
        return kind;
    return add_name(kind, name);
}

void measures_add(uint32_t number, uint64_t took_ns)
{
    static const uint64_t le_us[SHM_SERIES_LE] = SHM_SERIES_LE_US;
    struct shm_measure *m;
    unsigned i = 0;

    if (!out || number >= SHM_MEASURES_MAX)
        return;
    m = &out->measure[number];
    while (i < SHM_SERIES_LE && took_ns > le_us[i] * 1000)
        i++;
    add(&m->bucket[i], 1);
    add(&m->sum_ns, took_ns);
    add(&m->count, 1);
}
