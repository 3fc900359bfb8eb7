/* http/sha1.h -- SHA-1 (FIPS 180-4), for the handshake of WebSocket and nothing that must be safe
 */
#pragma once

#include "base/str.h"

enum { SHA1_BYTES = 20, SHA1_INPUT_MAX = 119 /* what two blocks hold */ };

/* `s` has at most SHA1_INPUT_MAX bytes. */
void sha1(struct str s, u8 out[SHA1_BYTES]);
