/* cache/storable.h -- whether a response may be stored by a cache that many share (RFC 9111 3) */
#pragma once

#include "cache/freshness.h"

struct storable_facts {
    struct cachecontrol ask, answer; /* Cache-Control of request and response */
    struct freshness freshness;
    bool is_get;
    bool has_authorization,
        has_cookie; /* of the request; a cookie that is part of the key is none */
    bool has_set_cookie, has_content_range, vary_any;
    u32 status;
};

enum storable_verdict {
    STORABLE_YES,
    STORABLE_NOT_ASKED_SO, /* for what the request says: that to another one may be */
    STORABLE_NO,           /* for what the response says: so will be the next one */
};
enum storable_verdict storable_judge(const struct storable_facts *f);

/* Statuses whose lifetime may be guessed or set (15.1 of RFC 9110, less errors). */
MUST_USE bool storable_status_implicit(u32 status);
