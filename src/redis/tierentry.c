/* redis/tierentry.c -- a response of the cache as it lies in Redis
 *
 *    0 "FTLC", version, kind, status (2)      40 generation
 *    8 checksum of all but itself              48 lengths: name, tags, vary, route, head, body
 *   16 response_wall_ms                        72 age_s
 *   24 seen.ms  32 seen.n                      76 the texts, in the order of their lengths
 *
 * Little-endian.
 */
#include "redis/tierentry.h"

#include "base/hash.h"

#include <endian.h>

enum { VERSION = 1, TEXTS = 6, AT_SUM = 8, AT_REST = 16, AT_LENGTHS = 48 };
enum { NAME_MAX_ = 8192, TAGS_MAX = 4096, VARY_MAX = 512, ROUTE_BYTES_MAX = 255 };
#define HEAD_MAX (1u << 20)

static const char magic[4] = { 'F', 'T', 'L', 'C' };

static void put_u32(struct buf *out, u64 n)
{
    u32 le = htole32((u32)n);

    buf_add(out, str_make((const char *)&le, sizeof(le)));
}

static void put_u64(struct buf *out, u64 n)
{
    u64 le = htole64(n);

    buf_add(out, str_make((const char *)&le, sizeof(le)));
}

static u32 u32_at(struct str s, size_t at)
{
    u32 le;

    memcpy(&le, s.ptr + at, sizeof(le));
    return le32toh(le);
}

static u64 u64_at(struct str s, size_t at)
{
    u64 le;

    memcpy(&le, s.ptr + at, sizeof(le));
    return le64toh(le);
}

/* To find what was broken, or is something else: whoever knows the program can make one that is
 * right. */
static u64 sum_of(struct str bytes)
{
    static const struct hash_key key = { 0x666574746c652074ull, 0x6965722076310000ull };

    return hash_str(&key, str_sub(bytes, AT_REST, bytes.len)) ^
           hash_str(&key, str_sub(bytes, 0, AT_SUM));
}

u64 tierentry_bytes(const struct tierentry *e)
{
    return TIERENTRY_HEAD_BYTES + e->name.len + e->tags.len + e->vary.len + e->route.len +
           e->head.len + (u64)e->body.len;
}

void tierentry_write(struct buf *out, const struct tierentry *e)
{
    const struct str text[] = { e->name, e->tags, e->vary, e->route, e->head };
    char first[] = { magic[0],
                     magic[1],
                     magic[2],
                     magic[3],
                     VERSION,
                     (char)e->kind,
                     (char)(e->status & 0xff),
                     (char)(e->status >> 8) };

    buf_add(out, str_make(first, sizeof(first)));
    put_u64(out, 0);
    put_u64(out, e->response_wall_ms);
    put_u64(out, e->seen.ms);
    put_u64(out, e->seen.n);
    put_u64(out, e->generation);
    for (u32 i = 0; i < ARRAY_LEN(text); i++)
        put_u32(out, text[i].len);
    put_u32(out, e->body.len);
    put_u32(out, e->age_s);
    for (u32 i = 0; i < ARRAY_LEN(text); i++)
        buf_add(out, text[i]);
}

void tierentry_seal(struct buf *out, size_t begin)
{
    u64 sum;

    if (out->failed)
        return;
    sum = htole64(sum_of(str_make(out->ptr + begin, out->len - begin)));
    memcpy(out->ptr + begin + AT_SUM, &sum, sizeof(sum));
}

bool tierentry_read(struct tierentry *out, struct str bytes)
{
    static const u32 most[TEXTS] = { NAME_MAX_,       TAGS_MAX, VARY_MAX,
                                     ROUTE_BYTES_MAX, HEAD_MAX, UINT32_MAX };
    struct str *text[TEXTS] = { &out->name,  &out->tags, &out->vary,
                                &out->route, &out->head, &out->body };
    u64 at = TIERENTRY_HEAD_BYTES;

    *out = (struct tierentry){ 0 };
    if (bytes.len < TIERENTRY_HEAD_BYTES || memcmp(bytes.ptr, magic, sizeof(magic)) != 0 ||
        bytes.ptr[4] != VERSION)
        return false;
    for (u32 i = 0; i < TEXTS; i++) {
        u32 len = u32_at(bytes, AT_LENGTHS + i * 4);

        if (len > most[i] || at + len > bytes.len)
            return false;
        *text[i] = str_sub(bytes, at, len);
        at += len;
    }
    if (at != bytes.len)
        return false;
    if (sum_of(bytes) != u64_at(bytes, AT_SUM))
        return false;
    out->kind = (u8)bytes.ptr[5];
    out->status = (u8)bytes.ptr[6] | (u32)(u8)bytes.ptr[7] << 8;
    out->response_wall_ms = u64_at(bytes, 16);
    out->seen = (struct purge_id){ u64_at(bytes, 24), u64_at(bytes, 32) };
    out->generation = u64_at(bytes, 40);
    out->age_s = u32_at(bytes, 72);
    return out->kind == TIERENTRY_RESPONSE
               ? out->status >= 200 && out->status <= 599
               : out->kind == TIERENTRY_VARY && out->vary.len > 0 && out->body.len == 0;
}
