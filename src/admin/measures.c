/* admin/measures.c -- what an app measures with perf_hooks, read out of shared memory */
#include "admin/measures.h"

#include "metrics/histogram.h"

static u64 get(const _Atomic u64 *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Made of printable text here, so that what looks the same later is found to be the same now. */
static void name_copy(char out[SHM_MEASURE_NAME_MAX], const char *from)
{
    struct str s = str_make(from, strnlen(from, SHM_MEASURE_NAME_MAX - 1));

    for (size_t i = 0; i < s.len; i++) {
        size_t len = str_utf8_len(s, i);

        if (len > 1) {
            memcpy(out + i, s.ptr + i, len);
            i += len - 1;
        } else {
            out[i] = len == 1 && s.ptr[i] >= ' ' && s.ptr[i] != 0x7f ? s.ptr[i] : '?';
        }
    }
    out[s.len] = '\0';
}

static bool measure_take(struct measure *out, const struct shm_measure *from)
{
    u32 kind = atomic_load_explicit(&from->kind, memory_order_relaxed);

    out->count = get(&from->count);
    if (kind >= SHM_MEASURE_KINDS || out->count == 0)
        return false;
    out->kind = (enum shm_measure_kind)kind;
    name_copy(out->name, from->name);
    out->sum_ns = get(&from->sum_ns);
    for (u32 i = 0; i <= SHM_SERIES_LE; i++)
        out->bucket[i] = get(&from->bucket[i]);
    return out->name[0] != '\0';
}

static int by_name(const void *va, const void *vb)
{
    const struct measure *a = va, *b = vb;

    return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->name, b->name);
}

u32 measures_read(const struct shm *shm, u32 slot, struct measure *out)
{
    const struct shm_measures *all = &shm->measures[slot];
    u32 there = atomic_load_explicit(&all->count, memory_order_acquire), count = 0, kept = 0;

    there = min(there, (u32)SHM_MEASURES_MAX);
    for (u32 i = 0; i < there; i++)
        count += measure_take(&out[count], &all->measure[i]);
    qsort(out, count, sizeof(*out), by_name);
    for (u32 i = 0; i < count; i++) {
        struct measure *last = kept ? &out[kept - 1] : NULL;

        if (!last || by_name(last, &out[i]) != 0) {
            if (kept != i)
                out[kept] = out[i];
            kept++;
            continue;
        }
        last->count = u64_add(last->count, out[i].count);
        last->sum_ns = u64_add(last->sum_ns, out[i].sum_ns);
        for (u32 b = 0; b <= SHM_SERIES_LE; b++)
            last->bucket[b] = u64_add(last->bucket[b], out[i].bucket[b]);
    }
    return kept;
}
