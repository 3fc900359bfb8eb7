/* io/srv_answer.c -- the SRV records of a DNS answer */
#include "io/srv_answer.h"

enum { HEADER = 12, TYPE_CNAME = 5, TYPE_SRV = 33, CLASS_IN = 1, TTL_MAX = INT32_MAX };

struct reader {
    const u8 *bytes;
    size_t len, at;
    bool bad;
};

static u32 take(struct reader *r, u32 bytes)
{
    u32 n = 0;

    if (r->bad || r->len - r->at < bytes) {
        r->bad = true;
        return 0;
    }
    for (u32 i = 0; i < bytes; i++)
        n = n << 8 | r->bytes[r->at++];
    return n;
}

/* Labels until the end of the name, which may be elsewhere; at most `room` bytes into `out`, which
 * may be NULL. */
static void name_read(struct reader *r, char *out, size_t room)
{
    size_t end = 0, put = 0, before = r->at;

    for (;;) {
        u32 len = take(r, 1);

        if (r->bad)
            return;
        if ((len & 0xc0) == 0xc0) {
            size_t to = (len & 0x3f) << 8 | take(r, 1);

            end = end ? end : r->at;
            /* Backwards only, so it ends. */
            r->bad = r->bad || to >= before;
            if (r->bad)
                return;
            r->at = before = to;
            continue;
        }
        if (len == 0)
            break;
        if (len > 63 || r->len - r->at < len || put + len + 1 > room) {
            r->bad = true;
            return;
        }
        for (u32 i = 0; i < len; i++) {
            u8 c = r->bytes[r->at + i];

            /* A dot within a label, or a byte that no host's name has: nobody that we could ask
             * for. */
            if (c <= ' ' || c == '.' || c >= 127)
                r->bad = true;
            if (out)
                out[put + i] = (char)c;
        }
        r->at += len;
        put += len;
        if (out)
            out[put] = '.';
        put++;
    }
    if (out)
        out[put ? put - 1 : 0] = 0;
    if (end)
        r->at = end;
}

static void record_read(struct reader *r, struct srv_answer *out)
{
    u32 type, class, ttl, len;
    struct srv_record *one = &out->record[out->n];
    size_t end;

    name_read(r, NULL, SRV_NAME_MAX + 1);
    type = take(r, 2), class = take(r, 2), ttl = take(r, 4), len = take(r, 2);
    if (r->bad || r->len - r->at < len) {
        r->bad = true;
        return;
    }
    end = r->at + len;
    if (class == CLASS_IN && (type == TYPE_SRV || type == TYPE_CNAME))
        /* RFC 2181 section 8: one with the top bit set is 0. */
        out->ttl_s = min(out->ttl_s, ttl > TTL_MAX ? 0 : ttl);
    if (class == CLASS_IN && type == TYPE_SRV && out->n == SRV_RECORDS_MAX)
        out->left_out++;
    else if (class == CLASS_IN && type == TYPE_SRV) {
        one->priority = (u16)take(r, 2);
        one->weight = (u16)take(r, 2);
        one->port = (u16)take(r, 2);
        name_read(r, one->target, sizeof(one->target));
        r->bad = r->bad || r->at != end;
        out->n += !r->bad;
    }
    r->at = end;
}

bool srv_answer_parse(const u8 *bytes, size_t len, struct srv_answer *out)
{
    struct reader r = { .bytes = bytes, .len = len, .at = 4 };
    u32 questions, answers;

    out->n = out->left_out = 0;
    out->ttl_s = TTL_MAX;
    if (len < HEADER)
        return false;
    questions = take(&r, 2), answers = take(&r, 2);
    r.at = HEADER;
    for (u32 i = 0; i < questions && !r.bad; i++) {
        name_read(&r, NULL, SRV_NAME_MAX + 1);
        (void)take(&r, 4);
    }
    for (u32 i = 0; i < answers && !r.bad; i++)
        record_read(&r, out);
    return !r.bad;
}
