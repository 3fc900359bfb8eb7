/* redis/resp.h -- commands as bytes: RESP's array of bulk strings */
#pragma once

#include "base/buf.h"

/* A command of `n` words, each of which resp_word or resp_number adds. */
void resp_begin(struct buf *out, u32 n);
void resp_word(struct buf *out, struct str word);
/* A word of so many bytes, which the caller adds, and a CRLF. */
void resp_bytes(struct buf *out, u64 bytes);
void resp_number(struct buf *out, u64 n);
