/* http/method.c -- request methods and what RFC 9110 9.2 says about them */
#include "http/method.h"

static const struct {
    struct str name;
    bool safe;
    bool idempotent;
} rows[] = {
    [HTTP_GET] = { STR("GET"), true, true },
    [HTTP_HEAD] = { STR("HEAD"), true, true },
    [HTTP_POST] = { STR("POST"), false, false },
    [HTTP_PUT] = { STR("PUT"), false, true },
    [HTTP_DELETE] = { STR("DELETE"), false, true },
    [HTTP_OPTIONS] = { STR("OPTIONS"), true, true },
    [HTTP_TRACE] = { STR("TRACE"), true, true },
    [HTTP_CONNECT] = { STR("CONNECT"), false, false },
    [HTTP_PATCH] = { STR("PATCH"), false, false },
    [HTTP_OTHER] = { STR("OTHER"), false, false },
};

bool http_method_idempotent(enum http_method m)
{
    return rows[m].idempotent;
}

bool http_method_safe(enum http_method m)
{
    return rows[m].safe;
}

struct str http_method_name(enum http_method m)
{
    return rows[m].name;
}

static enum http_method only(struct str name, enum http_method m)
{
    return memcmp(name.ptr, rows[m].name.ptr, name.len) == 0 ? m : HTTP_OTHER;
}

enum http_method http_method_find(struct str name)
{
    switch (name.len) {
    case 3:
        return only(name, name.ptr[0] == 'G' ? HTTP_GET : HTTP_PUT);
    case 4:
        return only(name, name.ptr[0] == 'H' ? HTTP_HEAD : HTTP_POST);
    case 5:
        return only(name, name.ptr[0] == 'T' ? HTTP_TRACE : HTTP_PATCH);
    case 6:
        return only(name, HTTP_DELETE);
    case 7:
        return only(name, name.ptr[0] == 'O' ? HTTP_OPTIONS : HTTP_CONNECT);
    }
    return HTTP_OTHER;
}
