/* conf/redisurl.c -- where a Redis or Valkey is, as people write it
 *
 * No message shows a part of the URL: where an @ was forgotten, any of them may be the password.
 */
#include "conf/redisurl.h"

#include <ctype.h>

enum { PORT_USUAL = 6379 };

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Without its percent-encoding. False: it does not fit, or is none. */
static bool decode(struct str in, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];

        if (c == '%') {
            int high = i + 2 < in.len ? hex_of(in.ptr[i + 1]) : -1;
            int low = i + 2 < in.len ? hex_of(in.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (n + 1 >= room || c == '\0')
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* The last @: a password may have one, too. */
static ptrdiff_t at_of(struct str s)
{
    for (size_t i = s.len; i-- > 0;)
        if (s.ptr[i] == '@')
            return (ptrdiff_t)i;
    return -1;
}

static int credentials_take(struct redisurl *out, struct str *rest, struct problem *p)
{
    ptrdiff_t at = at_of(*rest);
    struct str password, user;

    if (at < 0)
        return 0;
    user = str_cut(str_sub(*rest, 0, (size_t)at), ':', &password);
    *rest = str_sub(*rest, (size_t)at + 1, rest->len);
    if (!decode(user, out->user, sizeof(out->user)) ||
        !decode(password, out->password, sizeof(out->password)))
        return problem_set(p, "the URL's user or password cannot be read; a %% in it is written "
                              "%%25, an @ %%40");
    if (out->user[0] && !out->password[0])
        return problem_set(p,
                           "the URL has a user and no password; write redis://USER:PASSWORD@HOST, "
                           "or redis://:PASSWORD@HOST when there is only a password");
    return 0;
}

static int database_take(struct redisurl *out, struct str text, struct problem *p)
{
    u64 n = 0;

    if (text.len && (!str_to_u64(text, &n) || n > REDISURL_DATABASE_MAX))
        return problem_set(p, "the URL's database is no number; write one from 0, as in "
                              "redis://127.0.0.1:6379/0");
    out->database = (u32)n;
    return 0;
}

static bool is_name(struct str host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.ptr[i]) && !strchr(".-_:", host.ptr[i]))
            return false;
    return host.len > 0 && host.len < REDISURL_NAME_MAX;
}

static int host_take(struct redisurl *out, struct str text, struct problem *p)
{
    struct str port = { 0 }, host = text;
    u64 n = PORT_USUAL;

    if (str_starts(text, STR("["))) {
        ptrdiff_t end = str_index(text, ']');

        host = end > 0 ? str_sub(text, 1, (size_t)end - 1) : (struct str){ 0 };
        port = end > 0 ? str_sub(text, (size_t)end + 1, text.len) : text;
        if (port.len && port.ptr[0] != ':')
            host = (struct str){ 0 };
        port = str_sub(port, 1, port.len);
    } else {
        host = str_cut(text, ':', &port);
    }
    if (!is_name(host))
        return problem_set(p, "the URL's host cannot be read; write redis://HOST:PORT, such as "
                              "redis://127.0.0.1:6379, or redis://:PASSWORD@HOST:PORT");
    if (port.len && (!str_to_u64(port, &n) || n == 0 || n > 65535))
        return problem_set(p, "the URL's port is no number from 1 to 65535; write "
                              "redis://HOST:PORT, or redis://:PASSWORD@HOST:PORT");
    str_to_cstr(host, out->host, sizeof(out->host));
    out->port = (u16)n;
    return 0;
}

static int path_take(struct redisurl *out, struct str text, struct problem *p)
{
    struct str query, path = str_cut(text, '?', &query);

    if (!str_starts(path, STR("/")) || path.len >= sizeof(out->path))
        return problem_set(p,
                           "behind unix:// is no path of a socket; write unix:///run/redis.sock, "
                           "at most 107 bytes of path");
    str_to_cstr(path, out->path, sizeof(out->path));
    if (query.len && !str_starts(query, STR("db=")))
        return problem_set(p, "behind the path of the unix socket only ?db=NUMBER is understood");
    return database_take(out, str_sub(query, 3, query.len), p);
}

int redisurl_parse(struct redisurl *out, struct str text, struct problem *p)
{
    struct str rest, host, database;
    int err;

    *out = (struct redisurl){ 0 };
    if (str_starts_nocase(text, STR("rediss://")) || str_starts_nocase(text, STR("valkeys://")))
        return problem_set(p, "TLS (rediss://) is not spoken; let a tunnel such as stunnel or "
                              "ghostunnel do it, and write its address as redis://127.0.0.1:PORT");
    if (str_starts_nocase(text, STR("unix://"))) {
        rest = str_sub(text, 7, text.len);
        err = credentials_take(out, &rest, p);
        return err ? err : path_take(out, rest, p);
    }
    if (str_starts_nocase(text, STR("redis://")))
        rest = str_sub(text, 8, text.len);
    else if (str_starts_nocase(text, STR("valkey://")))
        rest = str_sub(text, 9, text.len);
    else /* not shown: it may have a password in it */
        return problem_set(p, "the URL begins with none of redis://, valkey:// and unix://; write "
                              "one such as redis://127.0.0.1:6379");
    err = credentials_take(out, &rest, p);
    if (err)
        return err;
    if (str_index(rest, '?') >= 0)
        return problem_set(p, "the URL has a ? behind its host; write redis://HOST:PORT/DATABASE");
    host = str_cut(rest, '/', &database);
    err = host_take(out, host, p);
    return err ? err : database_take(out, database, p);
}

int redisurl_check(struct str text, struct problem *p)
{
    struct redisurl url;
    int err = text.len ? redisurl_parse(&url, text, p) : 0;

    explicit_bzero(&url, sizeof(url));
    return err;
}

void redisurl_place(const struct redisurl *url, struct str *out, char room[REDISURL_NAME_MAX + 8])
{
    if (url->path[0]) {
        *out = str_of(url->path);
        return;
    }
    snprintf(room, REDISURL_NAME_MAX + 8, strchr(url->host, ':') ? "[%s]:%u" : "%s:%u", url->host,
             url->port);
    *out = str_of(room);
}
