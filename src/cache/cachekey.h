/* cache/cachekey.h -- what makes two requests the same to the cache: the primary key (RFC 9111 2)
 *
 * The app and its listener, scheme, host, path and query. The setting `cache-key` says what else
 * counts, or does not (conf/cachewords.h).
 */
#pragma once

#include "cache/digest.h"
#include "http/head.h"

enum { CACHEKEY_NAME_MAX = 4096 };

struct cachekey_parts {
    u32 app, listener;
    struct str scheme, authority, prefix; /* prefix: of what a trusted proxy took off the path */
    struct str before;                    /* http_path_prefix() */
    struct str path;                      /* with its query, as the app gets it */
    struct str words;                     /* of the setting, which have been checked */
    const char *bytes;
    const struct http_head *head;
};

/* What it is known by, and path and query as they count, for a purge: a view of `name`. False: it
 * is too long to be stored. */
MUST_USE bool cachekey_make(const struct cachekey_parts *parts, const struct digest_keys *keys,
                            struct digest *out, char name[CACHEKEY_NAME_MAX], u32 *name_len);
/* Whether all of its cookies are part of the key, or it has none. */
MUST_USE bool cachekey_has_cookies(struct str words, const char *bytes,
                                   const struct http_head *head);
