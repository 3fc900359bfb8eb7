/* otlp/protobuf.h -- writes protobuf's wire format (protobuf.dev/programming-guides/encoding)
 *
 * The few kinds of fields that OTLP has, appended to a buf, whose `failed` says at the end whether
 * all fitted. A message within another is begun and ended, and its length put before it then.
 * What proto3 leaves out (0, an empty text) is left out.
 */
#pragma once

#include "base/buf.h"

void protobuf_u64(struct buf *out, u32 field, u64 n); /* also bool, enum, and int64 as it is */
void protobuf_fixed64(struct buf *out, u32 field, u64 n);
void protobuf_fixed32(struct buf *out, u32 field, u32 n);
void protobuf_double(struct buf *out, u32 field, double n);
void protobuf_bytes(struct buf *out, u32 field, struct str s);
/* Text is UTF-8 or nobody reads the message: what is not becomes '?'. */
void protobuf_text(struct buf *out, u32 field, struct str s);
/* Packed; also when they are all zero. */
void protobuf_packed64(struct buf *out, u32 field, const u64 *n, u32 count);

/* The same for one of several kinds (oneof), where zero is a value and is written. */
void protobuf_one_u64(struct buf *out, u32 field, u64 n);
void protobuf_one_fixed64(struct buf *out, u32 field, u64 n);
void protobuf_one_text(struct buf *out, u32 field, struct str s);

/* Returns what protobuf_end needs. Also an empty message is written. */
size_t protobuf_begin(struct buf *out, u32 field);
void protobuf_end(struct buf *out, size_t begun);

/* Reading, for the few answers there are: the next field of `*rest`. False: the end, or nonsense.
 */
struct protobuf_field {
    u32 number;
    u64 n;            /* of a number */
    struct str bytes; /* of a text or message */
};
MUST_USE bool protobuf_next(struct str *rest, struct protobuf_field *out);
