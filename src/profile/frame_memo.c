/* profile/frame_memo.c -- a table of texts */
#include "profile/frame_memo.h"

enum { SLOTS = 1 << 14, NEAR = 8 };

static u32 hash(struct str s)
{
    u64 h = s.len * 0x9e3779b97f4a7c15ull, word = 0;

    for (; s.len >= 8; s = str_make(s.ptr + 8, s.len - 8)) {
        memcpy(&word, s.ptr, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, s.ptr, s.len);
    h = (h ^ word) * 0x9e3779b97f4a7c15ull;
    return (u32)(h >> 40);
}

const struct profile_frame *frame_memo_find(const struct frame_memo *m, struct str text)
{
    u32 at = hash(text);

    for (u32 i = 0; m->slot && i < NEAR; i++) {
        const struct frame_memo_slot *s = &m->slot[(at + i) & (SLOTS - 1)];

        if (!s->text)
            return NULL;
        if (s->len == text.len && memcmp(s->text, text.ptr, text.len) == 0)
            return &s->frame;
    }
    return NULL;
}

void frame_memo_add(struct frame_memo *m, struct str text, struct profile_frame frame)
{
    u32 at = hash(text);

    if (!m->slot)
        m->slot = calloc(SLOTS, sizeof(*m->slot));
    for (u32 i = 0; m->slot && i < NEAR; i++) {
        struct frame_memo_slot *s = &m->slot[(at + i) & (SLOTS - 1)];

        if (!s->text) {
            *s = (struct frame_memo_slot){ text.ptr, (u32)text.len, frame };
            return;
        }
    }
}

void frame_memo_done(struct frame_memo *m)
{
    free(m->slot);
    m->slot = NULL;
}
