/* proxy/sharedlimit.c -- a request's rate limits, decided by a Redis for all hosts */
#include "proxy/sharedlimit.h"

#include "base/log.h"
#include "proxy/admission.h"
#include "proxy/client.h"
#include "redis/resp.h"

#define LOG_EVERY_NS (10 * NS_PER_S)
enum { KEY_MAX = 160 };

static struct redis *redis_of(const struct exchange *x)
{
    return x->client->thread->remote.limits;
}

static void reply_come(struct redis_call *c, const struct reply *reply);

/* The script, or its name: with the keys and numbers of all limits. */
static int question_send(struct exchange *x, u64 tag, const struct sharedlimit_name *names)
{
    struct thread *t = x->client->thread;
    const struct limits *l = x->rule->limits;
    bool in_full = x->shared_state == SHAREDLIMIT_AGAIN;
    const struct settings *s = proxy_settings(t->proxy);
    struct limitscript_rule rules[RATELIMIT_MAX];
    char keys[RATELIMIT_MAX][KEY_MAX];
    struct buf *command = &t->remote.command;

    for (u32 i = 0; i < l->n; i++) {
        const struct limiter_rule *rule = &l->one[i].rule;
        int len = snprintf(keys[i], KEY_MAX, "%.*slimit:{%016llx}:%016llx%016llx",
                           STR_ARG(s->redis_prefix), (unsigned long long)tag,
                           (unsigned long long)names[i].a, (unsigned long long)names[i].b);

        rules[i] =
            (struct limitscript_rule){ .is_window = rule->algorithm == LIMITER_WINDOW,
                                       .token_ns = rule->gcra.token_ns,
                                       .depth_ns = rule->gcra.depth_ns,
                                       .slot_ns = rule->window.slot_ns,
                                       .most = rule->window.most,
                                       .key = str_make(keys[i], (size_t)min(len, KEY_MAX - 1)) };
    }
    buf_clear(command);
    limitscript_call(command, in_full ? (struct str){ 0 } : redis_script_sha(redis_of(x)), rules,
                     l->n);
    x->shared.in_full = in_full;
    if (command->failed) {
        command->failed = false;
        return -ENOMEM;
    }
    x->shared.asked_ns = clock_now_ns();
    return redis_ask(redis_of(x), &x->shared.call, buf_str(command), reply_come);
}

enum sharedlimit_state sharedlimit_ask(struct exchange *x, u64 tag,
                                       const struct sharedlimit_name names[RATELIMIT_MAX])
{
    bool asked = question_send(x, tag, names) == 0;

    x->shared_state = (u8)(asked ? SHAREDLIMIT_ASKED : SHAREDLIMIT_ALONE);
    return x->shared_state;
}

/* What a server says that cannot do it, now and then. */
static void error_log(const struct reply *reply, u64 now_ns)
{
    static _Atomic u64 logged_ns;
    u64 before_ns = atomic_load(&logged_ns);
    char text[120];
    size_t n =
        str_to_cstr(reply->kind == REPLY_ERROR ? reply->text : STR("no answer of its script"), text,
                    sizeof(text));

    if ((before_ns && now_ns < before_ns + LOG_EVERY_NS) ||
        !atomic_compare_exchange_strong(&logged_ns, &before_ns, now_ns))
        return;
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    log_warn("Redis did not decide about a rate limit, so this host did: %s", text);
}

/* It answers, and will not be able to for some time: another connection may lead to one that is. */
static bool is_unfit(struct str error)
{
    return str_starts(error, STR("READONLY")) || str_starts(error, STR("LOADING")) ||
           str_starts(error, STR("MASTERDOWN"));
}

static void reply_come(struct redis_call *c, const struct reply *reply)
{
    struct exchange *x = container_of(c, struct exchange, shared.call);
    struct sharedlimit *k = &x->shared;
    struct redis *r = redis_of(x);

    x->shared_state = SHAREDLIMIT_ALONE;
    if (reply && limitscript_read(&k->answer, reply, x->rule->limits->n)) {
        x->shared_state = SHAREDLIMIT_KNOWN;
    } else if (reply && !k->in_full && str_starts(reply->text, STR("NOSCRIPT"))) {
        x->shared_state = SHAREDLIMIT_AGAIN; /* a restart, or SCRIPT FLUSH */
    } else if (reply) {
        bool unfit = is_unfit(reply->text);

        error_log(reply, clock_now_ns());
        if (unfit)
            redis_give_up(r, "it is not the one to ask just now");
    }
    admission_go_on(x);
}

void sharedlimit_done(struct exchange *x)
{
    if (x->shared_state == SHAREDLIMIT_ASKED)
        redis_forget(&x->shared.call);
    x->shared_state = SHAREDLIMIT_NONE;
}
