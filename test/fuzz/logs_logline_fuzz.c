/* test/fuzz/logs_logline_fuzz.c -- any line is parsed, and what it gives lies within it */
#include "logs/logline.h"

static void within(struct str part, const char *ptr, size_t len)
{
    assert(part.len == 0 || (part.ptr >= ptr && part.ptr + part.len <= ptr + len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1); /* so that the sanitizer sees its end */
    struct logline l;
    u64 ms;

    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    logline_parse(&l, str_make(copy, size));
    within(l.time, copy, size);
    within(l.app, copy, size);
    within(l.text, copy, size);
    assert((l.at_ms != 0) >= (l.kind != LOGLINE_OTHER));
    (void)!logline_time(str_make(copy, size), &ms);
    free(copy);
    return 0;
}
