/* test/fuzz/tierentry_fuzz.c -- any bytes of a Redis are no entry, or one that is written back the
 * same
 *
 * Once as they come, and once with a checksum that is right: else nothing would get past it.
 */
#include "redis/tierentry.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check(struct str bytes)
{
    AUTO(buf_done) struct buf again = { 0 };
    struct tierentry e;

    if (!tierentry_read(&e, bytes))
        return;
    assert(tierentry_bytes(&e) == bytes.len);
    tierentry_write(&again, &e);
    buf_add(&again, e.body);
    tierentry_seal(&again, 0);
    assert(str_eq(buf_str(&again), bytes));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    AUTO(buf_done) struct buf sealed = { 0 };

    check(str_make((const char *)data, size));
    if (size < TIERENTRY_HEAD_BYTES)
        return 0;
    buf_add(&sealed, str_make((const char *)data, size));
    tierentry_seal(&sealed, 0);
    check(buf_str(&sealed));
    return 0;
}
