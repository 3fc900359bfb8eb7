/* admin/limits_page.c -- /api/limits: JSON about rate limits and whom they refuse */
#include "admin/page.h"
#include "admin/reading.h"
#include "base/json.h"

static void number(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    json_u64(out, n);
}

static void text(struct buf *out, const char *key, const char *bytes, size_t room)
{
    json_key(out, key);
    json_text(out, str_make(bytes, strnlen(bytes, room)));
}

static void limit_write(struct buf *out, const struct shm *shm, const struct shm_limit *l)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_label(shm, l->app % SHM_APPS_MAX));
    text(out, "limit", l->text, sizeof(l->text));
    text(out, "place", l->place, sizeof(l->place));
    number(out, "admitted", l->admitted);
    number(out, "refused", l->refused);
    buf_addc(out, '}');
}

struct shown {
    u64 count, over, age_ns;
    u32 limit;
    char client[SHM_LIMIT_TEXT_MAX];
};

static int most_first(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;

    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

/* False: nobody, or it changed while it was looked at. */
static bool take(struct shown *out, const struct shm_limited *l, u64 now_ns)
{
    u64 key = l->key, last_ns = l->last_ns;

    *out = (struct shown){ .count = l->count,
                           .over = l->count_over,
                           .age_ns = now_ns > last_ns ? now_ns - last_ns : 0,
                           .limit = l->limit % SHM_LIMITS_MAX };
    memcpy(out->client, l->client, sizeof(out->client));
    return key != 0 && l->key == key;
}

static void client_write(struct buf *out, const struct shm_limits *all, const struct shown *s)
{
    const struct shm_limit *l = &all->limit[s->limit];

    json_comma(out);
    buf_addc(out, '{');
    text(out, "client", s->client, sizeof(s->client));
    text(out, "limit", l->text, sizeof(l->text));
    text(out, "place", l->place, sizeof(l->place));
    number(out, "refused", s->count);
    number(out, "refused_error", s->over);
    number(out, "last_ms_ago", s->age_ns / NS_PER_MS);
    buf_addc(out, '}');
}

static void clients_write(struct buf *out, const struct page_source *src)
{
    const struct shm_limits *all = &src->shm->limits;
    struct shown shown[SHM_LIMITED_MAX];
    u32 n = 0;

    for (u32 i = 0; i < SHM_LIMITED_MAX; i++)
        n += take(&shown[n], &all->limited[i], src->now_ns);
    qsort(shown, n, sizeof(shown[0]), most_first);
    json_key(out, "clients");
    buf_addc(out, '[');
    for (u32 i = 0; i < n; i++)
        client_write(out, all, &shown[i]);
    buf_addc(out, ']');
}

void page_limits(struct buf *out, const struct page_source *src)
{
    static const char *const algorithm[] = { "token-bucket", "sliding-window" };
    const struct shm_limits *all = &src->shm->limits;

    buf_addc(out, '{');
    json_key(out, "limits");
    buf_addc(out, '[');
    for (u32 i = 0; i < SHM_LIMITS_MAX; i++)
        if (all->limit[i].state == SHM_LIMIT_FILLED)
            limit_write(out, src->shm, &all->limit[i]);
    buf_addc(out, ']');
    clients_write(out, src);
    json_key(out, "tables");
    buf_addc(out, '[');
    for (u32 i = 0; i < ARRAY_LEN(algorithm); i++) {
        if (all->places[i] == 0)
            continue;
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "algorithm");
        json_text(out, str_of(algorithm[i]));
        number(out, "places", all->places[i]);
        number(out, "used", all->used[i]);
        number(out, "forgotten", all->forgotten[i]);
        buf_addc(out, '}');
    }
    buf_add(out, STR("]}\n"));
}
