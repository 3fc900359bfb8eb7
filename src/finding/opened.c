/* finding/opened.c -- what the agent says of who opens so many, read */
#include "finding/opened.h"

static bool numbers(struct str line, u64 *out, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (!str_to_u64(str_cut(line, ' ', &line), &out[i]) || out[i] > UINT32_MAX)
            return false;
    return true;
}

/* One place, with what follows it in *rest. */
static bool place_read(struct opened_place *out, struct str *rest)
{
    enum { ALIVE, EXPIRING, OPENED, LINE, COLUMN, NUMBERS };
    struct str function, file, line, stack;
    u64 n[NUMBERS];

    if (!numbers(str_cut(*rest, '\n', rest), n, NUMBERS))
        return false;
    function = str_cut(*rest, '\n', rest);
    file = str_cut(*rest, '\n', rest);
    stack = str_make(rest->ptr, 0);
    while ((line = str_cut(*rest, '\n', rest)).len)
        stack.len = (size_t)(line.ptr + line.len - stack.ptr);
    *out = (struct opened_place){
        .alive = n[ALIVE],
        .expiring = min(n[EXPIRING], n[ALIVE]),
        .opened = n[OPENED],
        .line = (u32)n[LINE],
        .column = (u32)n[COLUMN],
        .function = function,
        .file = file,
        .stack = stack,
    };
    return true;
}

bool opened_read(struct opened *out, const void *record, size_t len)
{
    struct shm_opened head;
    struct str rest;

    *out = (struct opened){ 0 };
    if (len < sizeof(head))
        return false;
    memcpy(&head, record, sizeof(head));
    if (head.text_len > len - sizeof(head) || head.text_len > SHM_OPENED_TEXT_MAX ||
        head.kind == SHM_OPENED_NONE || head.kind >= SHM_OPENED_KINDS)
        return false;
    out->kind = (enum shm_opened_kind)head.kind;
    out->seconds = head.seconds;
    out->opened = head.opened;
    rest = str_make((const char *)record + sizeof(head), head.text_len);
    while (rest.len && out->places < OPENED_PLACES_MAX &&
           place_read(&out->place[out->places], &rest)) {
        out->alive += out->place[out->places].alive;
        out->expiring += out->place[out->places].expiring;
        out->places++;
    }
    return true;
}
