/* io/srv_answer.h -- the SRV records of a DNS answer
 *
 * RFC 1035 section 4 (messages, compressed names), RFC 2782 (SRV). Bytes in, records out: no
 * sockets, no memory of its own. What anybody answers is bounded: records beyond SRV_RECORDS_MAX
 * are counted only, a compressed name points backwards only and has 255 bytes at most.
 *
 * (c-ares reads them too, but tells no TTL.)
 */
#pragma once

#include "base/str.h"

enum { SRV_RECORDS_MAX = 64, SRV_NAME_MAX = 254 };

struct srv_record {
    u16 priority, weight, port;
    char target[SRV_NAME_MAX + 1]; /* "a.example", NUL-terminated; empty: "." */
};

struct srv_answer {
    u32 n;
    u32 left_out;
    u32 ttl_s; /* the least of all records on the way, aliases (CNAME) included */
    struct srv_record record[SRV_RECORDS_MAX];
};

/* False: it is no whole DNS answer, *out is of no use. An answer without such records has none. */
MUST_USE bool srv_answer_parse(const u8 *bytes, size_t len, struct srv_answer *out);
