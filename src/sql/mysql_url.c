/* sql/mysql_url.c -- mysql://user:password@host:port/database?key=value, in its parts */
#include "sql/mysql_url.h"

static bool decode(struct str part, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < part.len; i++) {
        u64 byte = (unsigned char)part.ptr[i];

        if (part.ptr[i] == '%') {
            if (i + 2 >= part.len || !str_hex_to_u64(str_sub(part, i + 1, 2), &byte) || !byte)
                return false;
            i += 2;
        }
        if (len == MYSQL_URL_PART_MAX - 1)
            return false;
        out[len++] = (char)byte;
    }
    out[len] = 0;
    return true;
}

static int wrong(struct problem *p, const char *what)
{
    return problem_set(
        p,
        "%s in the database's URL is not well-formed or too long; it is "
        "mysql://user:password@host:port/database, with percent codes for : / @ ? in them",
        what);
}

static bool tls_read(struct mysql_url *out, struct str value)
{
    static const struct {
        const char *word;
        enum mysql_url_tls tls;
    } words[] = {
        { "disabled", MYSQL_URL_TLS_OFF },
        { "disable", MYSQL_URL_TLS_OFF },
        { "false", MYSQL_URL_TLS_OFF },
        { "preferred", MYSQL_URL_TLS_DEFAULT },
        { "required", MYSQL_URL_TLS_ON },
        { "require", MYSQL_URL_TLS_ON },
        { "true", MYSQL_URL_TLS_ON },
        { "verify_ca", MYSQL_URL_TLS_VERIFY },
        { "verify_identity", MYSQL_URL_TLS_VERIFY },
        { "verify-ca", MYSQL_URL_TLS_VERIFY },
        { "verify-full", MYSQL_URL_TLS_VERIFY },
    };

    for (u32 i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(value, str_of(words[i].word))) {
            out->tls = words[i].tls;
            return true;
        }
    return false;
}

/* What is not known is for other clients, and passed over. */
static int query_read(struct mysql_url *out, struct str query, struct problem *p)
{
    while (query.ptr) {
        struct str value = { 0 }, item = str_cut(query, '&', &query);
        struct str key = str_cut(item, '=', &value);

        if ((str_eq(key, STR("socket")) || str_eq(key, STR("socketPath"))) &&
            !decode(value, out->socket))
            return wrong(p, "the socket");
        if ((str_eq(key, STR("ssl-ca")) || str_eq(key, STR("sslrootcert"))) &&
            !decode(value, out->ca))
            return wrong(p, "ssl-ca");
        if ((str_eq(key, STR("ssl-mode")) || str_eq(key, STR("sslmode")) ||
             str_eq(key, STR("ssl"))) &&
            !tls_read(out, value))
            return problem_set(p,
                               "%.*s in the database's URL is DISABLED, PREFERRED, REQUIRED, "
                               "VERIFY_CA or VERIFY_IDENTITY",
                               STR_ARG(key));
    }
    return 0;
}

static int host_read(struct mysql_url *out, struct str place, struct problem *p)
{
    struct str port = { 0 }, host;
    u64 n = 0;

    if (place.len && place.ptr[0] == '[') {
        host = str_cut(str_sub(place, 1, place.len), ']', &port);
        if (port.len && port.ptr[0] == ':')
            port = str_sub(port, 1, port.len);
    } else {
        host = str_cut(place, ':', &port);
    }
    if (!decode(host, out->host))
        return wrong(p, "the host");
    if (port.len && (!str_to_u64(port, &n) || n == 0 || n > 65535))
        return problem_set(p, "\"%.*s\" in the database's URL is no port; it is 1 to 65535",
                           (int)min(port.len, (size_t)20), port.ptr);
    out->port = (u32)n;
    return 0;
}

int mysql_url_read(struct mysql_url *out, const char *url, struct problem *p)
{
    const char *from = strstr(url, "://");
    struct str rest = str_of(from ? from + 3 : url), query = { 0 }, path = { 0 }, place, user, host;
    const char *at;
    int err;

    *out = (struct mysql_url){ 0 };
    rest = str_cut(rest, '?', &query);
    place = str_cut(rest, '/', &path);
    at = memrchr(place.ptr, '@', place.len);
    user = at ? str_make(place.ptr, (size_t)(at - place.ptr)) : (struct str){ 0 };
    host = at ? str_sub(place, user.len + 1, place.len) : place;
    if (user.len) {
        struct str password = { 0 };

        user = str_cut(user, ':', &password);
        if (!decode(user, out->user))
            return wrong(p, "the user");
        if (!decode(password, out->password))
            return wrong(p, "the password");
    }
    if (!decode(path, out->database))
        return wrong(p, "the database");
    err = host_read(out, host, p);
    return err ? err : query_read(out, query, p);
}
