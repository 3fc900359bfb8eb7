/* redis/resp.c -- commands as bytes: RESP's array of bulk strings */
#include "redis/resp.h"

static void line(struct buf *out, char type, u64 n)
{
    buf_addc(out, type);
    buf_addu(out, n);
    buf_add(out, STR("\r\n"));
}

void resp_begin(struct buf *out, u32 n)
{
    line(out, '*', n);
}

void resp_word(struct buf *out, struct str word)
{
    line(out, '$', word.len);
    buf_add(out, word);
    buf_add(out, STR("\r\n"));
}

void resp_bytes(struct buf *out, u64 bytes)
{
    line(out, '$', bytes);
}

void resp_number(struct buf *out, u64 n)
{
    char digits[STR_U64_MAX];

    resp_word(out, str_make(digits, str_put_u64(digits, n)));
}
