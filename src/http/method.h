/* http/method.h -- request methods and what RFC 9110 9.2 says about them */
#pragma once

#include "base/str.h"

/* Case-sensitive as RFC 9110 9.1 has it: "get" is HTTP_OTHER. */
enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_TRACE,
    HTTP_CONNECT,
    HTTP_PATCH,
    HTTP_OTHER
};

bool http_method_idempotent(enum http_method m); /* may be sent again; HTTP_OTHER: no */
bool http_method_safe(enum http_method m);       /* asks and changes nothing; HTTP_OTHER: no */
struct str http_method_name(enum http_method m); /* "OTHER" for HTTP_OTHER */
MUST_USE enum http_method http_method_find(struct str name);
