/* admin/lanes_page.c -- /api/lanes: JSON about what was learned of kinds of requests */
#include "admin/page.h"
#include "base/json.h"

/* Kinds shown: those that block longest, then those seen most. */
enum { KINDS_SHOWN = 200 };

struct shown {
    u64 block_ns, deviation_ns, count, age_ns;
    char text[SHM_KIND_TEXT_MAX];
};

/* False: nobody's place, or one that is being filled. */
static bool take(struct shown *out, const struct shm_kind *k, u32 app, u64 now_ns)
{
    u64 used_ns = k->used_ns;

    if (k->key <= 1 || k->app != app)
        return false;
    *out = (struct shown){ .block_ns = k->block_ns,
                           .deviation_ns = k->deviation_ns,
                           .count = k->count,
                           .age_ns = now_ns > used_ns ? now_ns - used_ns : 0 };
    memcpy(out->text, k->text, sizeof(out->text));
    out->text[sizeof(out->text) - 1] = 0;
    return true;
}

static int longest_first(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;

    if (x->block_ns != y->block_ns)
        return x->block_ns < y->block_ns ? 1 : -1;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void kind_write(struct buf *out, const struct shown *k, u64 slow_ns)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "kind");
    json_text(out, str_of(k->text));
    json_key(out, "lane");
    json_text(out, slow_ns && k->block_ns >= slow_ns ? STR("slow") : STR("fast"));
    json_key(out, "blocks_ms");
    json_ms(out, k->block_ns);
    json_key(out, "deviation_ms");
    json_ms(out, k->deviation_ns);
    json_key(out, "observations");
    json_u64(out, k->count);
    json_key(out, "age_ms");
    json_u64(out, k->age_ns / NS_PER_MS);
    buf_addc(out, '}');
}

static void workers_write(struct buf *out, const struct shm *shm, u32 app)
{
    u32 used = shm_slots_used(shm);

    buf_addc(out, '[');
    for (u32 i = 0; i < used; i++) {
        const struct shm_slot *slot = &shm->slot[i];

        if (slot->state != SHM_READY || !slot->listening || slot->app != app)
            continue;
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "worker");
        json_u64(out, slot->worker);
        json_key(out, "pid");
        json_u64(out, slot->pid);
        json_key(out, "takes");
        json_text(out, shm->lanes[app].slow_ns == 0 ? STR("all")
                       : slot->kept                 ? STR("fast")
                                                    : STR("slow and fast"));
        json_key(out, "slow_in_flight");
        json_u64(out, slot->slow_in_flight);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

/* `kinds` has room for all. */
static void app_write(struct buf *out, const struct page_source *src, u32 app, struct shown *kinds)
{
    const struct shm_lanes *lanes = &src->shm->lanes[app];
    u64 slow_ns = lanes->slow_ns;
    u32 n = 0;

    for (u32 i = 0; i < SHM_KINDS_MAX; i++)
        n += take(&kinds[n], &src->shm->kinds.kind[i], app, src->now_ns);
    qsort(kinds, n, sizeof(*kinds), longest_first);
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_name(src->shm, app));
    json_key(out, "active");
    json_bool(out, slow_ns != 0);
    json_key(out, "slow_from_ms");
    if (slow_ns)
        json_ms(out, slow_ns);
    else
        json_null(out);
    json_key(out, "workers_kept");
    json_u64(out, lanes->kept);
    json_key(out, "requests_fast");
    json_u64(out, lanes->requests[0]);
    json_key(out, "requests_slow");
    json_u64(out, lanes->requests[1]);
    json_key(out, "requests_aged");
    json_u64(out, lanes->aged);
    json_key(out, "changes");
    json_u64(out, lanes->changes);
    json_key(out, "workers");
    workers_write(out, src->shm, app);
    json_key(out, "kinds_known");
    json_u64(out, n);
    json_key(out, "kinds");
    buf_addc(out, '[');
    for (u32 i = 0; i < min(n, (u32)KINDS_SHOWN); i++)
        kind_write(out, &kinds[i], slow_ns);
    buf_add(out, STR("]}"));
}

void page_lanes(struct buf *out, const struct page_source *src)
{
    AUTO(freep) struct shown *kinds = calloc(SHM_KINDS_MAX, sizeof(*kinds));
    u32 apps = reading_apps(src->shm);

    if (!kinds) {
        out->failed = true;
        return;
    }
    if (apps > 1)
        buf_add(out, STR("{\"apps\":["));
    for (u32 i = 0; i < max(apps, 1u); i++)
        if (!reading_app_is_gone(src->shm, i))
            app_write(out, src, i, kinds);
    buf_add(out, apps > 1 ? STR("]}\n") : STR("\n"));
}
