/* admin/tally.c -- the answers by route, method and status, read out of shared memory */
#include "admin/tally.h"

#include "admin/reading.h"
#include "metrics/histogram.h"

#define US 1000ull
const u64 tally_le_ns[SHM_SERIES_LE] = {
    500 * US,     1000 * US,    2000 * US,    5000 * US,    10000 * US,    25000 * US,
    50000 * US,   75000 * US,   100000 * US,  250000 * US,  500000 * US,   750000 * US,
    1000000 * US, 2500000 * US, 5000000 * US, 7500000 * US, 10000000 * US,
};

static void copy_method(struct tally *out, const struct shm_series *from)
{
    size_t len = 0;

    for (; len + 1 < sizeof(out->method) && from->method[len]; len++) {
        char c = from->method[len];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-'))
            break;
        out->method[len] = c;
    }
    out->method[len] = '\0';
    if (len == 0 || from->method[len])
        snprintf(out->method, sizeof(out->method), "_OTHER");
}

/* Made of printable text here, so that what looks the same later is found to be the same now. */
static void copy_route(struct tally *out, const struct shm_series *from)
{
    struct str s = str_make(from->route, min((size_t)from->route_len, sizeof(from->route)));

    if (s.len == 0)
        s = STR("(none)");
    for (size_t i = 0; i < s.len; i++) {
        size_t len = str_utf8_len(s, i);

        if (len > 1) {
            memcpy(out->route + i, s.ptr + i, len);
            i += len - 1;
        } else {
            out->route[i] = len == 1 && s.ptr[i] >= ' ' && s.ptr[i] != 0x7f ? s.ptr[i] : '?';
        }
    }
    out->route[s.len] = '\0';
}

/* By app: whether it has named a route. */
struct namers {
    bool names[SHM_APPS_MAX];
};

static struct namers namers_of(const struct shm *shm)
{
    struct namers n = { 0 };

    for (u32 i = 0; i < SHM_SERIES_MAX; i++) {
        const struct shm_series *s = &shm->series[i];

        if (atomic_load_explicit(&s->state, memory_order_acquire) == 2 && !s->is_path &&
            s->app < SHM_APPS_MAX && s->route_len && s->route[0] == '/')
            n.names[s->app] = true;
    }
    return n;
}

static u64 take(const _Atomic u64 *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

static bool tally_take(struct tally *out, const struct shm *shm, const struct namers *namers,
                       const struct shm_series *from)
{
    u64 sum = 0;

    if (atomic_load_explicit(&from->state, memory_order_acquire) != 2)
        return false;
    str_to_cstr(reading_app_label(shm, from->app), out->app_name, sizeof(out->app_name));
    copy_method(out, from);
    out->is_path = from->is_path && from->app < SHM_APPS_MAX && !namers->names[from->app];
    if (from->is_path && !out->is_path)
        snprintf(out->route, sizeof(out->route), "(none)");
    else
        copy_route(out, from);
    snprintf(out->status, sizeof(out->status), "%u",
             from->status >= 100 && from->status <= 999 ? from->status : 0u);
    out->is_error = from->status >= 500 && from->status <= 599;
    out->sum_ns = take(&from->sum_ns);
    out->sent_bytes = take(&from->sent_bytes);
    out->received_bytes = take(&from->received_bytes);
    out->loop_ns = take(&from->loop_ns);
    out->cpu_ns = take(&from->cpu_ns);
    out->per_1000s = take(&from->per_1000s);
    out->measured = take(&from->measured);
    out->allocated_bytes = take(&from->allocated_bytes);
    for (u32 i = 0; i <= SHM_SERIES_LE; i++) {
        out->bucket[i] = take(&from->bucket[i]);
        sum = u64_add(sum, out->bucket[i]);
    }
    return sum > 0;
}

static int by_key(const void *va, const void *vb)
{
    const struct tally *a = va, *b = vb;
    int order = strcmp(a->app_name, b->app_name);

    if (order == 0)
        order = strcmp(a->route, b->route);
    if (order == 0)
        order = strcmp(a->method, b->method);
    return order ? order : strcmp(a->status, b->status);
}

void tally_add(struct tally *to, const struct tally *t)
{
    to->sum_ns = u64_add(to->sum_ns, t->sum_ns);
    to->sent_bytes = u64_add(to->sent_bytes, t->sent_bytes);
    to->received_bytes = u64_add(to->received_bytes, t->received_bytes);
    to->loop_ns = u64_add(to->loop_ns, t->loop_ns);
    to->cpu_ns = u64_add(to->cpu_ns, t->cpu_ns);
    to->per_1000s = u64_add(to->per_1000s, t->per_1000s);
    to->measured = u64_add(to->measured, t->measured);
    to->allocated_bytes = u64_add(to->allocated_bytes, t->allocated_bytes);
    for (u32 b = 0; b <= SHM_SERIES_LE; b++)
        to->bucket[b] = u64_add(to->bucket[b], t->bucket[b]);
}

u32 tally_read_all(const struct shm *shm, struct tally *out)
{
    static const u64 le_us[SHM_SERIES_LE] = SHM_SERIES_LE_US;
    struct namers namers = namers_of(shm);
    u32 count = 0, kept = 0;

    assert(le_us[SHM_SERIES_LE - 1] * US == tally_le_ns[SHM_SERIES_LE - 1]);
    for (u32 i = 0; i < SHM_SERIES_MAX; i++)
        count += tally_take(&out[count], shm, &namers, &shm->series[i]);
    qsort(out, count, sizeof(*out), by_key);
    for (u32 i = 0; i < count; i++) {
        struct tally *last = kept ? &out[kept - 1] : NULL;

        if (!last || by_key(last, &out[i]) != 0) {
            out[kept++] = out[i];
            continue;
        }
        tally_add(last, &out[i]);
    }
    return kept;
}
