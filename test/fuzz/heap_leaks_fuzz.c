/* test/fuzz/heap_leaks_fuzz.c -- leaks: whatever the snapshots are, a report or one clear line
 *
 * The first byte says whether it is one snapshot, three that are the same, or three of which the
 * others are cut off or changed at a place that the second byte says. The bytes are also a program
 * in which a statement is looked for.
 */
#include "heap/leaks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct leaks *l)
{
    for (u32 i = 0; i < l->count; i++) {
        AUTO(buf_done) struct buf path = { 0 };
        struct suspect *s = &l->list[i];

        assert(s->kind < LEAK_KINDS && s->holder[0]);
        assert(s->path_count <= SUSPECT_STEPS_MAX);
        for (u32 k = 0; k < s->path_count; k++)
            suspect_step(&l->browse, s->path[k], &path);
    }
}

static void program(struct str text)
{
    struct statement found = { 0 };

    for (u32 adds = STATEMENT_SET; adds <= STATEMENT_REQUEST; adds++)
        if (statement_find(text, adds, STR("a"), &found)) {
            assert(found.line > 0 && found.column > 0);
            assert(!found.text.len || (found.text.ptr >= text.ptr &&
                                       found.text.ptr + found.text.len <= text.ptr + text.len));
            (void)statement_line(text, found.line);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in[LEAKS_SNAPSHOTS];
    AUTO(freep) struct leaks *l = malloc(sizeof(*l));
    AUTO(freep) u8 *other = malloc(size + 1);
    struct problem p = { 0 };
    u32 which;
    int r;

    assert(l && other);
    if (size < 2)
        return 0;
    memcpy(other, data, size);
    if (data[0] % 4 == 2)
        other[2 + data[1] * 7 % (size - 1)] ^= 1;
    for (u32 i = 0; i < LEAKS_SNAPSHOTS; i++)
        in[i] = (struct input){ .read_at = input_memory,
                                .ctx = i == 1 ? other + 2 : (u8 *)(uintptr_t)data + 2,
                                .size = size - 2 };
    r = leaks_find(l, in, data[0] % 4 ? LEAKS_SNAPSHOTS : 1, 1, NULL, &which, &p);
    assert(r == 0 || r == -EINVAL || r == -ENOENT);
    assert((r == -EINVAL) == !!p.text[0]);
    if (!r)
        check(l);
    leaks_done(l);
    program(str_make((const char *)data, size));
    return 0;
}
