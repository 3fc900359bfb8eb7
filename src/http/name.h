/* http/name.h -- the field names that fettle knows
 *
 * One row a name: the enum, the table that recognises it, and what a proxy may
 * do with it come from here. Names with '_' are never taken for names with '-'.
 */
#pragma once

#include "base/str.h"

enum http_name_flag {
    HTTP_NAME_HOP = BIT(0),  /* for this connection only: never passed on as it came */
    HTTP_NAME_KEPT = BIT(1), /* Connection cannot make it hop-by-hop: whoever could have it taken
                                away would be someone else to the app */
    HTTP_NAME_NO_TRAILER = BIT(2) /* changes what a head meant: RFC 9110 6.5.1 */
};

/* X(enum, text in lower case, flags), by length. */
#define HTTP_NAMES(X)                                                                             \
    X(HTTP_TE, "te", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                                        \
    X(HTTP_AGE, "age", HTTP_NAME_NO_TRAILER)                                                      \
    X(HTTP_VIA, "via", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                                     \
    X(HTTP_DATE, "date", HTTP_NAME_NO_TRAILER)                                                    \
    X(HTTP_ETAG, "etag", 0)                                                                       \
    X(HTTP_HOST, "host", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                                   \
    X(HTTP_LINK, "link", 0)                                                                       \
    X(HTTP_VARY, "vary", HTTP_NAME_NO_TRAILER)                                                    \
    X(HTTP_RANGE, "range", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                                 \
    X(HTTP_ACCEPT, "accept", 0)                                                                   \
    X(HTTP_COOKIE, "cookie", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                               \
    X(HTTP_EXPECT, "expect", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                               \
    X(HTTP_ORIGIN, "origin", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                               \
    X(HTTP_SERVER, "server", 0)                                                                   \
    X(HTTP_EXPIRES, "expires", HTTP_NAME_NO_TRAILER)                                              \
    X(HTTP_REFERER, "referer", 0)                                                                 \
    X(HTTP_TRAILER, "trailer", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                              \
    X(HTTP_UPGRADE, "upgrade", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                              \
    X(HTTP_LOCATION, "location", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                           \
    X(HTTP_FORWARDED, "forwarded", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                         \
    X(HTTP_X_REAL_IP, "x-real-ip", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                         \
    X(HTTP_CONNECTION, "connection", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                        \
    X(HTTP_KEEP_ALIVE, "keep-alive", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                        \
    X(HTTP_SET_COOKIE, "set-cookie", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                       \
    X(HTTP_USER_AGENT, "user-agent", 0)                                                           \
    X(HTTP_TRACESTATE, "tracestate", HTTP_NAME_NO_TRAILER)                                        \
    X(HTTP_FETTLE_LOAD, "fettle-load", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                      \
    X(HTTP_FETTLE_PEER, "fettle-peer", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                      \
    X(HTTP_RETRY_AFTER, "retry-after", HTTP_NAME_NO_TRAILER)                                      \
    X(HTTP_TRACEPARENT, "traceparent", HTTP_NAME_NO_TRAILER)                                      \
    X(HTTP_CONTENT_TYPE, "content-type", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                   \
    X(HTTP_FETTLE_ROUTE, "fettle-route", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                    \
    X(HTTP_MAX_FORWARDS, "max-forwards", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                   \
    X(HTTP_X_REQUEST_ID, "x-request-id", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                   \
    X(HTTP_AUTHORIZATION, "authorization", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                 \
    X(HTTP_CACHE_CONTROL, "cache-control", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                 \
    X(HTTP_CONTENT_RANGE, "content-range", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                 \
    X(HTTP_IF_NONE_MATCH, "if-none-match", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                 \
    X(HTTP_LAST_MODIFIED, "last-modified", 0)                                                     \
    X(HTTP_CONTENT_LENGTH, "content-length", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)               \
    X(HTTP_HTTP2_SETTINGS, "http2-settings", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)                \
    X(HTTP_ACCEPT_ENCODING, "accept-encoding", 0)                                                 \
    X(HTTP_ACCEPT_LANGUAGE, "accept-language", 0)                                                 \
    X(HTTP_X_FORWARDED_FOR, "x-forwarded-for", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)             \
    X(HTTP_CONTENT_ENCODING, "content-encoding", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)           \
    X(HTTP_PROXY_CONNECTION, "proxy-connection", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)            \
    X(HTTP_WWW_AUTHENTICATE, "www-authenticate", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)           \
    X(HTTP_X_FORWARDED_HOST, "x-forwarded-host", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)           \
    X(HTTP_X_FORWARDED_PORT, "x-forwarded-port", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)           \
    X(HTTP_IF_MODIFIED_SINCE, "if-modified-since", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)         \
    X(HTTP_SEC_WEBSOCKET_KEY, "sec-websocket-key", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)         \
    X(HTTP_TRANSFER_ENCODING, "transfer-encoding", HTTP_NAME_HOP | HTTP_NAME_NO_TRAILER)          \
    X(HTTP_X_FORWARDED_PROTO, "x-forwarded-proto", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)         \
    X(HTTP_PROXY_AUTHENTICATE, "proxy-authenticate", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)       \
    X(HTTP_X_FORWARDED_PREFIX, "x-forwarded-prefix", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)       \
    X(HTTP_CONTENT_DISPOSITION, "content-disposition", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)     \
    X(HTTP_PROXY_AUTHORIZATION, "proxy-authorization", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)     \
    X(HTTP_SEC_WEBSOCKET_ACCEPT, "sec-websocket-accept", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)   \
    X(HTTP_SEC_WEBSOCKET_VERSION, "sec-websocket-version", HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER) \
    X(HTTP_SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol",                                      \
      HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)                                                      \
    X(HTTP_SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions",                                  \
      HTTP_NAME_KEPT | HTTP_NAME_NO_TRAILER)

enum http_name {
    HTTP_NAME_OTHER, /* every name that has no row */
#define HTTP_NAME_ENUM(id, text, flags) id,
    HTTP_NAMES(HTTP_NAME_ENUM)
#undef HTTP_NAME_ENUM
        HTTP_NAME_COUNT
};
static_assert(HTTP_NAME_COUNT <= 64, "the names of a head fit the bits of one u64");

/* `name` must be a token (RFC 9110 5.6.2); letters of either case. HTTP_NAME_OTHER when no row
 * has it. */
MUST_USE enum http_name http_name_find(struct str name);
/* In lower case; empty for HTTP_NAME_OTHER. */
struct str http_name_text(enum http_name id);
/* Bits of enum http_name_flag; 0 for HTTP_NAME_OTHER. */
extern const u8 http_name_bits[HTTP_NAME_COUNT];
static inline u32 http_name_flags(enum http_name id)
{
    return http_name_bits[id];
}
