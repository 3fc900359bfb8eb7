/* proxy/throttle.c -- rate limits, where a request meets them */
#include "proxy/throttle.h"

#include "base/log.h"
#include "proxy/rewrite.h"

#define LOG_EVERY_NS (10 * NS_PER_S)

/* ---- whose budget ---- */

/* Of an address, the part that is one client. */
static struct addr prefix_of(struct addr a, u32 ipv6_bits)
{
    a.port = 0;
    for (u32 i = 0; a.family == AF_INET6 && i < sizeof(a.ip); i++) {
        u32 left = ipv6_bits > i * 8 ? ipv6_bits - i * 8 : 0;

        if (left < 8)
            a.ip[i] &= (u8)(0xff00u >> left);
    }
    return a;
}

/* Who asks, looked at once for all limits. */
struct asker {
    struct exchange *x;
    struct addr address; /* family 0: not looked at yet */
};

static const struct addr *address_of(struct asker *who)
{
    if (who->address.family == 0)
        who->address = prefix_of(exchange_peer(who->x), who->x->rule->is.rate_limit_ipv6_prefix);
    return &who->address;
}

/* The value of the field or cookie that a limit counts by; empty: it is not there. */
static struct str value_of(struct exchange *x, const struct ratelimit_key *key)
{
    const char *bytes = x->client->in->bytes;

    switch (key->by) {
    case RATELIMIT_BY_HEADER:
        return rewrite_field(bytes, &x->req, key->name);
    case RATELIMIT_BY_COOKIE:
        return rewrite_cookie(bytes, &x->req, key->name);
    case RATELIMIT_BY_IP:
    case RATELIMIT_BY_ROUTE:
        break;
    }
    return (struct str){ 0 };
}

/* The key of a budget: of the limit (`scope`), what it is counted by, and whose it is. */
static u64 budget_key(struct asker *who, const struct limits_one *one, const struct hash_key *hash,
                      u64 scope)
{
    struct str value = value_of(who->x, &one->said.key);
    struct {
        u64 scope, value;
        u32 by, family;
        u8 ip[16];
    } name = { .scope = scope, .by = one->said.key.by };

    if (value.len) {
        name.value = hash_str(hash, value);
    } else if (one->said.key.by != RATELIMIT_BY_ROUTE) { /* a client without one: by its address */
        name.by = RATELIMIT_BY_IP;
        name.family = address_of(who)->family;
        memcpy(name.ip, address_of(who)->ip, sizeof(name.ip));
    }
    return hash_str(hash, str_make((const char *)&name, sizeof(name)));
}

/* ---- who was refused ---- */

/* For people. A field's value may be a secret: it is only told apart from others. */
static void asker_name(struct asker *who, const struct limits_one *one, u64 key,
                       char out[SHM_LIMIT_TEXT_MAX])
{
    char ip[ADDR_TEXT_MAX];

    if (one->said.key.by == RATELIMIT_BY_ROUTE) {
        str_to_cstr(STR("all"), out, SHM_LIMIT_TEXT_MAX);
    } else if (value_of(who->x, &one->said.key).len) {
        snprintf(out, SHM_LIMIT_TEXT_MAX, "%.*s #%08x",
                 (int)min(one->said.key.name.len, (size_t)40), one->said.key.name.ptr, (u32)key);
    } else {
        str_to_cstr(addr_ip_text(address_of(who), ip), out, SHM_LIMIT_TEXT_MAX);
    }
}

/* The client's place among those who were refused most often: its own, or that of the least. */
static struct shm_limited *limited_find(struct shm_limits *all, u64 key)
{
    struct shm_limited *least = &all->limited[0];

    for (u32 i = 0; i < SHM_LIMITED_MAX; i++) {
        struct shm_limited *l = &all->limited[i];

        if (l->key == key)
            return l;
        if (l->count < least->count)
            least = l;
    }
    return least;
}

static void limited_note(struct asker *who, const struct limits_one *one, u64 key, u64 now_ns)
{
    static atomic_flag busy = ATOMIC_FLAG_INIT;
    struct shm_limits *all = &who->x->client->thread->proxy->shm->limits;
    struct shm_limited *l;

    if (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        return; /* a list of the most frequent can do without one */
    l = limited_find(all, key);
    if (l->key != key) {
        l->key = 0;
        l->count_over = (u64)l->count;
        asker_name(who, one, key, l->client);
        l->limit = (u32)(one->shown - all->limit);
        l->key = key;
    }
    l->count++;
    l->last_ns = now_ns;
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

static void refusal_log(struct asker *who, const struct limits_one *one, u64 key, u64 now_ns)
{
    static _Atomic u64 logged_ns;
    u64 before_ns = atomic_load(&logged_ns);
    char name[SHM_LIMIT_TEXT_MAX];

    if ((before_ns && now_ns < before_ns + LOG_EVERY_NS) ||
        !atomic_compare_exchange_strong(&logged_ns, &before_ns, now_ns))
        return;
    asker_name(who, one, key, name);
    log_warn("the rate limit %s%s%s was exceeded by %s; refused for it so far: %llu",
             one->shown->text, one->shown->place[0] ? " of " : "", one->shown->place, name,
             (unsigned long long)one->shown->refused);
}

/* ---- what answers say ---- */

static u32 seconds_of(u64 ns)
{
    return (u32)min((ns + NS_PER_S - 1) / NS_PER_S, (u64)UINT32_MAX);
}

/* Lines as they grow; printf would cost more than all the rest of a limit. Room is for all of them:
 * RATELIMIT_MAX names and numbers. */
static void put(struct throttle_fields *out, struct str text)
{
    size_t len = min(text.len, sizeof(out->text) - out->len);

    memcpy(out->text + out->len, text.ptr, len);
    out->len += len;
}

static void put_number(struct throttle_fields *out, struct str before, u64 n)
{
    char digits[STR_U64_MAX];

    put(out, before);
    put(out, str_make(digits, str_put_u64(digits, n)));
}

/* X-RateLimit-*: one limit only, that of which the least is left. */
static void put_legacy(struct throttle_fields *out, const struct limits *l,
                       const struct exchange_budget *left)
{
    u32 least = 0;

    for (u32 i = 1; i < l->n; i++)
        if ((u64)left[i].remaining * l->one[least].said.count <
            (u64)left[least].remaining * l->one[i].said.count)
            least = i;
    put_number(out, STR("x-ratelimit-limit: "), l->one[least].said.count);
    put_number(out, STR("\r\nx-ratelimit-remaining: "), left[least].remaining);
    put_number(out, STR("\r\nx-ratelimit-reset: "), clock_wall_ms() / 1000 + left[least].reset_s);
    put(out, STR("\r\n"));
}

static void put_fields(struct throttle_fields *out, const struct exchange *x)
{
    enum settings_rate_headers form = x->rule->is.rate_limit_headers;
    const struct limits *l = x->rule->limits;

    if (form == SETTINGS_RATE_HEADERS_DRAFT || form == SETTINGS_RATE_HEADERS_BOTH) {
        put(out, l->policy);
        for (u32 i = 0; i < l->n; i++) {
            put(out, l->one[i].item);
            put_number(out, STR(";r="), x->budget[i].remaining);
            put_number(out, STR(";t="), x->budget[i].reset_s);
        }
        put(out, STR("\r\n"));
    }
    if (form == SETTINGS_RATE_HEADERS_LEGACY || form == SETTINGS_RATE_HEADERS_BOTH)
        put_legacy(out, l, x->budget);
}

/* Whether the app says something of that kind itself. */
static bool says_itself(const char *bytes, const struct http_head *head)
{
    for (u32 i = 0; i < head->fields_n; i++) {
        struct str name = http_text(bytes, head->fields[i].name);

        if (str_starts_nocase(name, STR("ratelimit")) ||
            str_starts_nocase(name, STR("x-ratelimit")))
            return true;
    }
    return false;
}

struct str throttle_fields(struct exchange *x, const char *bytes, struct throttle_fields *out)
{
    out->len = 0;
    if (!says_itself(bytes, &x->res))
        put_fields(out, x);
    return str_make(out->text, out->len);
}

/* ---- the step ---- */

static bool wants_json(struct exchange *x)
{
    struct http_field *f = http_field_find(&x->req, HTTP_ACCEPT);
    struct str rest = f ? http_text(x->client->in->bytes, f->value) : (struct str){ 0 };

    while (rest.ptr) {
        struct str ignored, type = str_trim(str_cut(str_cut(rest, ',', &rest), ';', &ignored));

        if (str_ends(type, STR("/json")) || str_ends(type, STR("+json")))
            return true;
    }
    return false;
}

static enum admission refuse(struct exchange *x, u32 by, u64 retry_ns)
{
    const struct limits_one *one = &x->rule->limits->one[by];
    struct throttle_fields fields = { .len = 0 };
    AUTO(buf_done) struct buf body = { 0 };
    u32 retry_s = max(seconds_of(retry_ns), 1u);
    bool json = wants_json(x);

    put_number(&fields, STR("retry-after: "), retry_s);
    put(&fields, STR("\r\n"));
    put_fields(&fields, x);
    if (json) /* RFC 9457; the type is the draft's */
        buf_addf(&body,
                 "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\","
                 "\"title\":\"Too many requests\",\"status\":%u,\"violated-policies\":[\"%s\"],"
                 "\"retry_after\":%u}\n",
                 x->rule->is.rate_limit_status, one->text, retry_s);
    else
        buf_addf(&body, "Too many requests: %s is the limit. Try again in %u s.\n", one->text,
                 retry_s);
    if (body.failed) {
        exchange_refuse(x, x->rule->is.rate_limit_status, "too many requests", SHM_REFUSED_RATE);
        return ADMISSION_ENDED;
    }
    exchange_answer(x, &(struct exchange_answer){
                           .status = x->rule->is.rate_limit_status,
                           .reason = SHM_REFUSED_RATE,
                           .fields = str_make(fields.text, fields.len),
                           .content_type = json ? STR("application/problem+json")
                                                : STR("text/plain; charset=utf-8"),
                           .body = buf_str(&body),
                       });
    return ADMISSION_ENDED;
}

static bool is_exempt(struct exchange *x)
{
    const struct settings_cidrs *exempt = &x->door->settings.rate_limit_exempt;
    struct addr client;

    if (exempt->count == 0)
        return false;
    client = exchange_peer(x);
    return peer_trusted(exempt, &client);
}

/* What a limit says of a request. */
struct judgement {
    struct exchange *x;
    struct asker who;
    u64 now_ns;
    u64 key[RATELIMIT_MAX];
};

static enum admission refused(struct judgement *j, u32 by, u64 retry_ns)
{
    const struct limits_one *one = &j->x->rule->limits->one[by];

    COUNT(one->shown->refused, 1);
    limited_note(&j->who, one, j->key[by], j->now_ns);
    refusal_log(&j->who, one, j->key[by], j->now_ns);
    return refuse(j->x, by, retry_ns);
}

static enum admission admitted(struct exchange *x)
{
    const struct limits *l = x->rule->limits;

    for (u32 i = 0; i < l->n; i++)
        COUNT(l->one[i].shown->admitted, 1);
    x->has_budget = x->rule->is.rate_limit_headers != SETTINGS_RATE_HEADERS_OFF;
    return ADMISSION_GO;
}

static void budget_note(struct exchange *x, u32 i, const struct rate_verdict *v)
{
    x->budget[i] = (struct exchange_budget){ v->remaining, seconds_of(v->reset_ns) };
}

/* Each gives one of this host's budgets, or none does. */
static enum admission decide_here(struct judgement *j)
{
    struct limiter *limiter = &j->x->client->thread->proxy->limiter;
    const struct limits *l = j->x->rule->limits;

    for (u32 i = 0; i < l->n; i++) {
        struct rate_verdict v = limiter_take(limiter, &l->one[i].rule, j->key[i], j->now_ns);

        budget_note(j->x, i, &v);
        if (v.admitted)
            continue;
        for (u32 before = 0; before < i; before++)
            limiter_give(limiter, &l->one[before].rule, j->key[before], j->now_ns);
        return refused(j, i, v.retry_ns);
    }
    return admitted(j->x);
}

/* ---- one budget for all hosts ---- */

/* As all hosts have decided. What this one has let in is counted here, too: should Redis go away,
 * nobody's budget here is whole. */
static enum admission decide_shared(struct judgement *j)
{
    struct thread *t = j->x->client->thread;
    const struct limits *l = j->x->rule->limits;
    const struct limitscript_answer *a = &j->x->shared.answer;

    COUNT(t->proxy->shm->redis.decided, 1);
    for (u32 i = 0; i < a->known; i++)
        budget_note(j->x, i, &a->verdict[i]);
    if (a->refused < l->n) {
        refusals_note(t->remote.refusals, j->key[a->refused], &a->verdict[a->refused],
                      j->x->shared.asked_ns);
        return refused(j, a->refused, a->verdict[a->refused].retry_ns);
    }
    for (u32 i = 0; i < l->n; i++)
        (void)limiter_take(&t->proxy->limiter, &l->one[i].rule, j->key[i], j->now_ns);
    return admitted(j->x);
}

/* Which of the limits is known to refuse it; l->n: none. */
static u32 known_refusal(const struct judgement *j, struct rate_verdict *v)
{
    const struct limits *l = j->x->rule->limits;
    u32 i = 0;

    while (i < l->n &&
           !refusals_find(j->x->client->thread->remote.refusals, j->key[i], j->now_ns, v))
        i++;
    return i;
}

static enum sharedlimit_state ask(struct judgement *j)
{
    const struct limits *l = j->x->rule->limits;
    struct sharedlimit_name names[RATELIMIT_MAX];
    u64 tag = l->shared_tag;

    for (u32 i = 0; i < l->n; i++) {
        const struct limits_one *one = &l->one[i];

        names[i].a = budget_key(&j->who, one, &limits_shared_keys[0], one->shared_scope[0]);
        names[i].b = budget_key(&j->who, one, &limits_shared_keys[1], one->shared_scope[1]);
    }
    if (l->same_key)
        tag = budget_key(&j->who, &l->one[0], &limits_shared_keys[0], tag);
    return sharedlimit_ask(j->x, tag, names);
}

static enum admission decide_with_redis(struct judgement *j)
{
    struct exchange *x = j->x;
    struct shm_redis *shown = &x->client->thread->proxy->shm->redis;
    struct rate_verdict v;
    u32 by;

    if (x->shared_state == SHAREDLIMIT_NONE) {
        by = known_refusal(j, &v);
        if (by < x->rule->limits->n) {
            COUNT(shown->remembered, 1);
            for (u32 i = 0; i < x->rule->limits->n; i++)
                budget_note(x, i, &v);
            return refused(j, by, v.retry_ns);
        }
    }
    if (x->shared_state <= SHAREDLIMIT_AGAIN)
        (void)ask(j);
    switch ((enum sharedlimit_state)x->shared_state) {
    case SHAREDLIMIT_ASKED:
    case SHAREDLIMIT_NONE:
    case SHAREDLIMIT_AGAIN:
        return ADMISSION_WAITS;
    case SHAREDLIMIT_KNOWN:
        return decide_shared(j);
    case SHAREDLIMIT_ALONE:
        break;
    }
    COUNT(shown->alone, 1);
    return decide_here(j);
}

enum admission throttle_admit(struct exchange *x)
{
    const struct limits *l = x->rule->limits;
    struct thread *t = x->client->thread;
    struct judgement j = { .x = x, .who.x = x, .now_ns = thread_now(t) };

    if (!l || x->client->internal || is_exempt(x))
        return ADMISSION_GO;
    for (u32 i = 0; i < l->n; i++)
        j.key[i] = budget_key(&j.who, &l->one[i], &t->proxy->limiter.hash_key, l->one[i].scope);
    return t->remote.limits && x->rule->is.rate_limit_redis ? decide_with_redis(&j)
                                                            : decide_here(&j);
}

void throttle_tick(struct proxy *p)
{
    struct shm_limits *shown = &p->shm->limits;

    for (u32 i = 0; i < LIMITER_ALGORITHMS; i++) {
        const struct buckets *b = atomic_load(&p->limiter.table[i]);
        struct buckets_sum sum;

        if (!b)
            continue;
        sum = buckets_sum(b);
        shown->places[i] = sum.places;
        shown->used[i] = sum.used;
        shown->forgotten[i] = sum.forgotten;
    }
}
