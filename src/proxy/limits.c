/* proxy/limits.c -- the rate limits that hold for a request, as its rule has them */
#include "proxy/limits.h"

#include "base/buf.h"
#include "base/log.h"

enum { CLAIMED = 1 };

const struct hash_key limits_shared_keys[2] = { { 0x666574746c65206cull, 0x696d697473206100ull },
                                                { 0x666574746c65206cull, 0x696d697473206200ull } };

/* The row in which it is counted: its own if there is room. */
static struct shm_limit *shown_find(struct shm_limits *all, const struct limits_place *at,
                                    struct str text)
{
    char place[SHM_LIMIT_TEXT_MAX], name[SHM_LIMIT_TEXT_MAX];
    struct shm_limit *l;

    str_to_cstr(at->place, place, sizeof(place));
    str_to_cstr(text, name, sizeof(name));
    for (u32 i = 0; i < SHM_LIMITS_MAX - 1; i++) {
        u32 state = 0;

        l = &all->limit[i];
        if (atomic_compare_exchange_strong(&l->state, &state, CLAIMED)) {
            memcpy(l->text, name, sizeof(name));
            memcpy(l->place, place, sizeof(place));
            l->app = at->app;
            atomic_store(&l->state, SHM_LIMIT_FILLED);
            return l;
        }
        if (l->app == at->app && strcmp(l->text, name) == 0 && strcmp(l->place, place) == 0)
            return l;
    }
    l = &all->limit[SHM_LIMITS_MAX - 1];
    str_to_cstr(STR("(other)"), l->text, sizeof(l->text));
    atomic_store(&l->state, SHM_LIMIT_FILLED);
    return l;
}

static void key_text(const struct ratelimit_key *key, struct buf *out)
{
    static const char *const kind[] = { "ip", "header=", "cookie=", "route" };

    buf_add(out, str_of(kind[key->by]));
    buf_add(out, key->name);
}

/* The same budget on all hosts: by the app's name, since its number may differ. */
static int shared_make(struct limits_one *one, const struct limits_place *at, struct str name)
{
    AUTO(buf_done) struct buf scope = { 0 };
    bool is_window = one->rule.algorithm == LIMITER_WINDOW;

    buf_addf(&scope, "%.*s\n%u\n%s\n%.*s\n%.*s", STR_ARG(name), is_window,
             is_window ? "" : one->text, STR_ARG(at->place), STR_ARG(at->app_name));
    for (u32 i = 0; i < ARRAY_LEN(one->shared_scope); i++)
        one->shared_scope[i] = hash_str(&limits_shared_keys[i], buf_str(&scope));
    return scope.failed ? -ENOMEM : 0;
}

static int one_make(struct limits_one *one, const struct settings *s, const struct limits_place *at,
                    struct str text, struct limiter *limiter, struct shm_limits *shown)
{
    bool is_window = s->request.rate_limit_algorithm == SETTINGS_RATE_WINDOW;
    AUTO(buf_done) struct buf name = { 0 };
    AUTO(buf_done) struct buf scope = { 0 };
    struct problem p = { 0 };
    struct str rest;
    int err = ratelimit_parse(&one->said, text, &p);

    if (!err && !one->said.has_key)
        err = ratelimit_parse_key(&one->said.key, s->request.rate_limit_by, &p);
    if (err) /* was checked where it was read */
        return err;
    str_to_cstr(str_cut(text, ' ', &rest), one->text, sizeof(one->text));
    one->rule = (struct limiter_rule){
        .algorithm = is_window ? LIMITER_WINDOW : LIMITER_BUCKET,
        .gcra = gcra_make(one->said.count, one->said.period_ns, one->said.burst),
        .window = window_make(one->said.count, one->said.period_ns),
    };
    buf_add(&name, str_of(one->text));
    if (one->said.burst != one->said.count)
        buf_addf(&name, " burst %u", one->said.burst);
    buf_add(&name, STR(" by "));
    key_text(&one->said.key, &name);
    buf_addf(&scope, "%.*s\n%u\n%s\n%.*s\n%u", STR_ARG(buf_str(&name)), is_window,
             is_window ? "" : one->text, STR_ARG(at->place), at->app);
    if (name.failed || scope.failed)
        return -ENOMEM;
    one->scope = hash_str(&limiter->hash_key, buf_str(&scope));
    one->shown = shown_find(shown, at, buf_str(&name));
    err = shared_make(one, at, buf_str(&name));
    return err ? err : limiter_need(limiter, one->rule.algorithm, s->rate_limit_memory_bytes);
}

/* draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4: lists of names, with quota and window,
 * and with what remains and when. */
static int policy_make(struct limits *l)
{
    AUTO(buf_done) struct buf line = { 0 };

    for (u32 i = 0; i < l->n; i++) {
        struct limits_one *one = &l->one[i];
        AUTO(buf_done) struct buf item = { 0 };

        buf_addf(&item, "%s\"%s\"", i ? ", " : "", one->text);
        one->item = str_make(one->item_bytes, min(item.len, sizeof(one->item_bytes)));
        if (item.failed)
            return -ENOMEM;
        memcpy(one->item_bytes, item.ptr, one->item.len);
        buf_addf(&line, "%s%.*s;q=%u;w=%llu", i ? "" : "ratelimit-policy: ", STR_ARG(one->item),
                 one->said.count,
                 (unsigned long long)max((one->said.period_ns + NS_PER_S - 1) / NS_PER_S, 1ull));
    }
    buf_add(&line, STR("\r\nratelimit: "));
    l->policy_line = line.failed ? NULL : str_dup(buf_str(&line));
    l->policy = str_of(l->policy_line);
    return l->policy_line ? 0 : -ENOMEM;
}

/* Where keys of a request lie in a cluster: with the client's others, or all of the place's. */
static int tag_make(struct limits *l, const struct limits_place *at)
{
    AUTO(buf_done) struct buf place = { 0 };

    buf_addf(&place, "%.*s\n%.*s", STR_ARG(at->place), STR_ARG(at->app_name));
    l->shared_tag = hash_str(&limits_shared_keys[0], buf_str(&place));
    l->same_key = true;
    for (u32 i = 1; i < l->n; i++)
        l->same_key &= l->one[i].said.key.by == l->one[0].said.key.by &&
                       str_eq_nocase(l->one[i].said.key.name, l->one[0].said.key.name);
    return place.failed ? -ENOMEM : 0;
}

int limits_new(struct limits **out, const struct settings *s, const struct limits_place *at,
               struct limiter *limiter, struct shm_limits *shown)
{
    struct str rest = s->request.rate_limit;
    struct limits *l;
    int err = 0;

    *out = NULL;
    if (rest.len == 0)
        return 0;
    l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    while (rest.ptr && !err) {
        struct str text = str_trim(str_cut(rest, ',', &rest));

        if (l->n == RATELIMIT_MAX) {
            log_warn("rate-limit: only the first %d limits hold", RATELIMIT_MAX);
            break;
        }
        err = one_make(&l->one[l->n], s, at, text, limiter, shown);
        l->n += !err;
    }
    if (!err)
        err = policy_make(l);
    if (!err)
        err = tag_make(l, at);
    if (err) {
        limits_free(l);
        return err;
    }
    *out = l;
    return 0;
}

void limits_free(struct limits *all)
{
    struct limits *next;

    for (struct limits *l = all; l; l = next) {
        next = l->next;
        free(l->policy_line);
        free(l);
    }
}
