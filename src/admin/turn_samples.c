/* admin/turn_samples.c -- what agents have told of one turn that takes too long */
#include "admin/turn_samples.h"

enum { TEXT_MAX = 4096 };

/* Text that may lack its NUL. */
static struct str field(const char *text, size_t room)
{
    return str_make(text, strnlen(text, room));
}

bool turn_samples_add(struct turn_samples *s, u64 since_ns, const void *payload, u32 len, u64 at_ns,
                      u64 now_ns)
{
    const struct shm_blocked *r = payload;
    u32 text_len;
    char *text;

    if (len < sizeof(*r) || r->how >= SHM_BLOCKED_HOWS || !since_ns || r->since_ns != since_ns ||
        s->count == CAUSE_SAMPLES_MAX)
        return false;
    text_len = min(r->text_len, len - (u32)sizeof(*r));
    text_len = min(text_len, (u32)TEXT_MAX);
    text = malloc(text_len + sizeof(r->call_name) + sizeof(r->channel) + 1);
    if (!text)
        return false;
    memcpy(text, r + 1, text_len);
    memcpy(text + text_len, r->call_name, sizeof(r->call_name));
    memcpy(text + text_len + sizeof(r->call_name), r->channel, sizeof(r->channel));
    s->sample[s->count] = (struct cause_sample){
        .how = r->how,
        .in_gc = r->in_gc,
        .at_ns = at_ns > since_ns ? at_ns - since_ns : 0,
        .gc_ns = r->gc_ns,
        .call = r->call,
        .call_name = field(text + text_len, sizeof(r->call_name)),
        .channel = field(text + text_len + sizeof(r->call_name), sizeof(r->channel)),
        .text = str_make(text, text_len),
    };
    s->text[s->count++] = text;
    if (text_len && !s->stack_ns && now_ns > since_ns)
        s->stack_ns = now_ns - since_ns;
    return true;
}

void turn_samples_drop(struct turn_samples *s)
{
    for (u32 i = 0; i < s->count; i++)
        free(s->text[i]);
    *s = (struct turn_samples){ .count = 0 };
}

bool turn_samples_has_place(const struct turn_samples *s)
{
    struct cause_view v = { .sample = s->sample, .samples = s->count };

    return cause_place(&v).script.len != 0;
}
