/* stacktext_fuzz.c -- stacks that a worker writes, and lines of its files: any bytes; frames, paths
 * and what is made of them stay within them
 *
 * Four bytes, then texts with a NUL between them: two samples' stacks, then lines of a file.
 */
#include "finding/cause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str s, struct str of)
{
    assert(!s.len || (s.ptr >= of.ptr && s.ptr + s.len <= of.ptr + of.len));
}

static void frames_read(struct str text)
{
    struct str all = text;
    struct stacktext_frame f;
    size_t left = text.len + 1;

    while (stacktext_next(&text, &f)) {
        char path[64];
        struct str p = stacktext_path(&f, path, sizeof(path));

        assert(text.len < left);
        left = text.len;
        inside(f.function, all);
        inside(f.script, all);
        inside(text, all);
        assert(!p.len || (p.ptr == path && p.len < sizeof(path) && p.ptr[0] == '/' &&
                          !memchr(p.ptr, 0, p.len)));
        assert(!(stacktext_is_node(&f) && stacktext_is_app(&f)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cause_sample sample[2] = { 0 };
    struct cause_view v = { .sample = sample, .took_ns = 100 };
    struct str lines[CAUSE_LINES] = { 0 }, rest = { 0 }, all;
    struct cause cause;

    if (size < 4)
        return 0;
    all = rest = str_make((const char *)data + 4, size - 4);
    for (u32 i = 0; i < ARRAY_LEN(sample) && rest.len; i++) {
        sample[i].how = data[i] % SHM_BLOCKED_HOWS;
        sample[i].in_gc = data[2] >> i & 1;
        sample[i].call = (int8_t)data[3];
        sample[i].at_ns = 50 * (u64)i;
        sample[i].text = str_cut(rest, 0, &rest);
        frames_read(sample[i].text);
        v.samples++;
    }
    v.gc_ns = data[2] >> 2;
    for (u32 i = 0; i < CAUSE_LINES && rest.len; i++)
        lines[i] = str_cut(rest, 0, &rest);
    inside(cause_place(&v).script, all);
    cause_judge(&cause, &v, lines);
    assert(cause.kind > FINDING_NONE && cause.kind < FINDING_KINDS && cause.at < CAUSE_LINES);
    assert(memchr(cause.advice, 0, sizeof(cause.advice)));
    inside(cause.text, all);
    inside(cause.place.function, all);
    inside(cause.place.script, all);
    return 0;
}
