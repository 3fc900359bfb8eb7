/* admin/conn.h -- one HTTP/1.1 connection to the admin address, or to another small site
 *
 *            bytes             head complete           body read
 *     IDLE ─────────▶ HEAD ───────────────▶ BODY ───────────────▶ WRITE
 *      ▲                └──── mistake ──────┴──── too large ───────▶│
 *      └───────────────────────── kept alive ◀──────────────────────┤
 *                                     gone ◀── LINGER ◀── else ─────┘
 *
 * LINGER: all is written; what the peer still sends is read and dropped, since closing on unread
 * bytes would take the answer away from it.
 */
#pragma once

#include "admin/site.h"
#include "http/body.h"
#include "io/loop.h"

enum conn_state { CONN_IDLE, CONN_HEAD, CONN_BODY, CONN_WRITE, CONN_LINGER };
enum { CONN_STATES = 5 };

/* Those of a server. */
struct conns {
    struct loop *loop;
    struct site *site;
    u32 count;
    size_t answer_bytes;         /* of answers not yet taken */
    struct list in[CONN_STATES]; /* by state, the one longest in it first */
};

enum {
    CONNS_MAX = 64,
    CONN_HEAD_MAX = 8192,
    CONN_FIELDS_MAX = 64,
    CONN_BODY_MAX = 65536,
};
/* While answers of more than this wait to be taken, further ones are refused (503). */
#define CONNS_ANSWER_BYTES_MAX (64ull << 20)

/* `site` answers; it outlives them. */
void conns_init(struct conns *all, struct loop *loop, struct site *site);
/* Ends all of them. */
void conns_done(struct conns *all);

/* Takes over `fd`, in every case. At CONNS_MAX the one that has been idle longest is closed for
 * it; when none is idle, the new one. */
void conns_add(struct conns *all, int fd);
