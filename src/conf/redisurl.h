/* conf/redisurl.h -- where a Redis or Valkey is, as people write it
 *
 * redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE], redis://:PASSWORD@HOST, and for a unix socket
 * unix://[USER[:PASSWORD]@]/PATH[?db=DATABASE]. User and password may be percent-encoded. No text
 * that is made here has the password in it.
 */
#pragma once

#include "base/problem.h"
#include "base/str.h"

enum { REDISURL_NAME_MAX = 256, REDISURL_PASSWORD_MAX = 1024, REDISURL_DATABASE_MAX = 65535 };

/* Texts are NUL-terminated; an empty one was not said. */
struct redisurl {
    char host[REDISURL_NAME_MAX]; /* a name or an IP; of a unix socket "" … */
    char path[108];               /* … and its path */
    char user[REDISURL_NAME_MAX], password[REDISURL_PASSWORD_MAX];
    u16 port;
    u32 database;
};

/* -EINVAL with *p. */
MUST_USE int redisurl_parse(struct redisurl *out, struct str text, struct problem *p);
/* For the row of the setting; "" is no Redis. */
MUST_USE int redisurl_check(struct str text, struct problem *p);
/* Where it is, for people: "127.0.0.1:6379", "/run/redis.sock". */
void redisurl_place(const struct redisurl *url, struct str *host, char room[REDISURL_NAME_MAX + 8]);
