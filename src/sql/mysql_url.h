/* sql/mysql_url.h -- mysql://user:password@host:port/database?key=value, in its parts
 *
 * As most clients of MySQL and MariaDB read it; parts are percent-decoded (RFC 3986). What is not
 * said is empty: then the client library's defaults hold, and MYSQL_HOST, MYSQL_USER and MYSQL_PWD.
 */
#pragma once

#include "base/problem.h"

enum { MYSQL_URL_PART_MAX = 256 };

enum mysql_url_tls {
    MYSQL_URL_TLS_DEFAULT,
    MYSQL_URL_TLS_OFF,
    MYSQL_URL_TLS_ON,
    MYSQL_URL_TLS_VERIFY
};

struct mysql_url {
    char user[MYSQL_URL_PART_MAX], password[MYSQL_URL_PART_MAX], host[MYSQL_URL_PART_MAX];
    char database[MYSQL_URL_PART_MAX];
    char socket[MYSQL_URL_PART_MAX]; /* ?socket=, ?socketPath= */
    char ca[MYSQL_URL_PART_MAX];     /* ?ssl-ca=, a file */
    u32 port;                        /* 0: the library's */
    enum mysql_url_tls tls;          /* ?ssl-mode=, ?sslmode=, ?ssl= */
};

/* -EINVAL with *p, which never has the password in it. */
MUST_USE int mysql_url_read(struct mysql_url *out, const char *url, struct problem *p);
