/* http_rules_test -- what is refused, where, and with which status
 *
 * Each case is parsed whole, byte by byte and cut at every one and two places;
 * all must agree. The mistake must be certain at the byte that `at` names: one
 * byte less is HTTP_MORE.
 */
#include "tap.h"

#include "http_run.h"

static const struct http_limits limits = { 128, 512, 8 };

struct refusal {
    const char *name;
    struct str bytes;
    u32 status;
    const char *text; /* a part of the error's text */
};

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
/* A request that is good but for `fields`. */
#define WITH(fields) STR(LINE HOST fields "\r\n\r\n")
#define POST(fields) STR("POST /x HTTP/1.1\r\n" HOST fields "\r\n\r\n")
#define LONG64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct refusal requests[] = {
    /* Two ways to say where the body ends. */
    { "Content-Length before Transfer-Encoding is refused",
      POST("Content-Length: 4\r\nTransfer-Encoding: chunked"), 400, "after Content-Length" },
    { "Content-Length after Transfer-Encoding is refused",
      POST("Transfer-Encoding: chunked\r\nContent-Length: 4"), 400, "after Transfer-Encoding" },
    { "Content-Length 0 with Transfer-Encoding is refused",
      POST("Content-Length: 0\r\nTransfer-Encoding: chunked"), 400, "after Content-Length" },
    { "two different Content-Lengths are refused", POST("Content-Length: 4\r\nContent-Length: 5"),
      400, "two Content-Length" },
    { "two equal Content-Lengths are refused", POST("Content-Length: 4\r\nContent-Length: 4"), 400,
      "two Content-Length" },
    { "two Content-Lengths that differ in case are refused",
      POST("content-length: 4\r\nCONTENT-LENGTH: 4"), 400, "two Content-Length" },
    { "a list of Content-Lengths is refused", POST("Content-Length: 4, 4"), 400, "not a number" },
    { "a list of Content-Lengths without spaces is refused", POST("Content-Length: 4,4"), 400,
      "not a number" },
    { "a Content-Length with a plus is refused", POST("Content-Length: +4"), 400, "not a number" },
    { "a negative Content-Length is refused", POST("Content-Length: -4"), 400, "not a number" },
    { "a Content-Length of minus zero is refused", POST("Content-Length: -0"), 400,
      "not a number" },
    { "an empty Content-Length is refused", POST("Content-Length:"), 400, "not a number" },
    { "a Content-Length of spaces is refused", POST("Content-Length:  \t "), 400, "not a number" },
    { "a space inside Content-Length is refused", POST("Content-Length: 4 2"), 400,
      "not a number" },
    { "a tab inside Content-Length is refused", POST("Content-Length: 4\t2"), 400, "not a number" },
    { "a hexadecimal Content-Length is refused", POST("Content-Length: 0x10"), 400,
      "not a number" },
    { "a Content-Length of letters is refused", POST("Content-Length: abc"), 400, "not a number" },
    { "a Content-Length with a fraction is refused", POST("Content-Length: 4.0"), 400,
      "not a number" },
    { "a Content-Length with an exponent is refused", POST("Content-Length: 1e3"), 400,
      "not a number" },
    { "a Content-Length in quotes is refused", POST("Content-Length: \"4\""), 400, "not a number" },
    { "a Content-Length with a semicolon is refused", POST("Content-Length: 4;"), 400,
      "not a number" },
    { "a Content-Length with an underscore is refused", POST("Content-Length: 1_0"), 400,
      "not a number" },
    { "a Content-Length with a high byte is refused", POST("Content-Length: 4\xa0"), 400,
      "not a number" },
    { "a Content-Length of 2 to the 63 is refused", POST("Content-Length: 9223372036854775808"),
      400, "too large" },
    { "a Content-Length of 2 to the 64 is refused", POST("Content-Length: 18446744073709551616"),
      400, "too large" },
    { "a Content-Length that wraps around is refused", POST("Content-Length: 18446744073709551620"),
      400, "too large" },
    { "a Content-Length with 20 digits is refused", POST("Content-Length: 00000000000000000004"),
      400, "too large" },

    /* Transfer-Encoding is "chunked" or nothing. */
    { "chunked twice in one field is refused", POST("Transfer-Encoding: chunked, chunked"), 400,
      "not \"chunked\"" },
    { "chunked in two fields is refused",
      POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400,
      "two Transfer-Encoding" },
    { "a second Transfer-Encoding of another kind is refused",
      POST("Transfer-Encoding: chunked\r\nTransfer-encoding: cow"), 400, "two Transfer-Encoding" },
    { "Transfer-Encoding identity is refused", POST("Transfer-Encoding: identity"), 400,
      "not \"chunked\"" },
    { "Transfer-Encoding chunked, identity is refused",
      POST("Transfer-Encoding: chunked, identity"), 400, "not \"chunked\"" },
    { "Transfer-Encoding identity, chunked is refused",
      POST("Transfer-Encoding: identity, chunked"), 400, "not \"chunked\"" },
    { "Transfer-Encoding gzip, chunked is not served", POST("Transfer-Encoding: gzip, chunked"),
      501, "other than chunked" },
    { "Transfer-Encoding gzip is not served", POST("Transfer-Encoding: gzip"), 501,
      "other than chunked" },
    { "Transfer-Encoding deflate,gzip,chunked is not served",
      POST("Transfer-Encoding: deflate,gzip,Chunked"), 501, "other than chunked" },
    { "Transfer-Encoding chunked, gzip is refused", POST("Transfer-Encoding: chunked, gzip"), 400,
      "not \"chunked\"" },
    { "Transfer-Encoding gzip, chunked, gzip is refused",
      POST("Transfer-Encoding: gzip, chunked, gzip"), 400, "not \"chunked\"" },
    { "Transfer-Encoding xchunked is refused", POST("Transfer-Encoding: xchunked"), 400,
      "not \"chunked\"" },
    { "Transfer-Encoding chunkedx is refused", POST("Transfer-Encoding: chunkedx"), 400,
      "not \"chunked\"" },
    { "Transfer-Encoding chunked with a parameter is refused",
      POST("Transfer-Encoding: chunked;q=1"), 400, "not \"chunked\"" },
    { "Transfer-Encoding chunked with a semicolon is refused", POST("Transfer-Encoding: chunked;"),
      400, "not \"chunked\"" },
    { "Transfer-Encoding chunked with a comma behind it is refused",
      POST("Transfer-Encoding: chunked,"), 400, "not \"chunked\"" },
    { "Transfer-Encoding chunked with a comma before it is refused",
      POST("Transfer-Encoding: ,chunked"), 400, "not \"chunked\"" },
    { "Transfer-Encoding chunked in quotes is refused", POST("Transfer-Encoding: \"chunked\""), 400,
      "not \"chunked\"" },
    { "Transfer-Encoding 'chunked' in single quotes is refused",
      POST("Transfer-Encoding: 'chunked'"), 400, "not \"chunked\"" },
    { "an empty Transfer-Encoding is refused", POST("Transfer-Encoding:"), 400, "not \"chunked\"" },
    { "Transfer-Encoding chunked with a vertical tab is refused",
      POST("Transfer-Encoding: \x0b"
           "chunked"),
      400, "control character" },
    { "Transfer-Encoding chunked with a form feed is refused",
      POST("Transfer-Encoding: chunked\x0c"), 400, "control character" },
    { "Transfer-Encoding chunked with a no-break space is refused",
      POST("Transfer-Encoding: \xa0"
           "chunked"),
      400, "not \"chunked\"" },
    { "Transfer-Encoding in HTTP/1.0 is refused",
      STR("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), 400, "HTTP/1.0" },
    { "CONNECT with a Content-Length is refused",
      STR("CONNECT a:1 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n"), 400,
      "CONNECT with a body" },
    { "CONNECT with chunks is refused",
      STR("CONNECT a:1 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), 400,
      "CONNECT with a body" },

    /* Lines and names. */
    { "a folded field is refused", WITH("A: b\r\n c"), 400, "folded" },
    { "a field folded with a tab is refused", WITH("A: b\r\n\tc"), 400, "folded" },
    { "a folded Transfer-Encoding is refused", POST("Transfer-Encoding:\r\n chunked"), 400,
      "not \"chunked\"" },
    { "a Transfer-Encoding with a folded end is refused",
      POST("Transfer-Encoding: chunked\r\n , gzip"), 400, "folded" },
    { "a space before the first field is refused", STR(LINE " Host: a\r\n\r\n"), 400, "folded" },
    { "a line of spaces for the empty line is refused", STR(LINE HOST " \r\n\r\n"), 400, "folded" },
    { "a space before the colon is refused", WITH("A : b"), 400, "before its colon" },
    { "a tab before the colon is refused", WITH("A\t: b"), 400, "before its colon" },
    { "a space before Content-Length's colon is refused", POST("Content-Length : 4"), 400,
      "before its colon" },
    { "a space inside a name is refused", WITH("Content Length: 4"), 400, "a space" },
    { "a field without a colon is refused", WITH("A"), 400, "no field name" },
    { "a field without a name is refused", WITH(": b"), 400, "empty field name" },
    { "a name with a slash is refused", WITH("A/b: c"), 400, "no field name" },
    { "a name with brackets is refused", WITH("A[b]: c"), 400, "no field name" },
    { "a name with a quote is refused", WITH("\"A\": c"), 400, "no field name" },
    { "a name with a high byte is refused", WITH("Content-Length\xff: 4"), 400, "no field name" },
    { "a name with a NUL is refused", WITH("A\0b: c"), 400, "NUL" },
    { "a name with a carriage return is refused", WITH("A\rb: c"), 400, "no field name" },
    { "a name with DEL is refused", WITH("A\x7f: c"), 400, "control character" },
    { "a bare line feed ends no field", STR(LINE HOST "A: b\nC: d\r\n\r\n"), 400, "line feed" },
    { "a bare line feed ends no request line", STR("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400,
      "line feed" },
    { "a bare line feed ends no head", STR(LINE HOST "\n"), 400, "line feed" },
    { "a bare line feed before the request is refused", STR("\nGET / HTTP/1.1\r\n\r\n"), 400,
      "line feed" },
    { "a bare carriage return in a value is refused", WITH("A: b\rc"), 400, "carriage return" },
    { "a bare carriage return before a smuggled field is refused",
      POST("A: b\rTransfer-Encoding: chunked"), 400, "carriage return" },
    { "two carriage returns are refused", STR(LINE "Host: a\r\r\n\r\n"), 400, "carriage return" },
    { "a carriage return alone ends no head", STR(LINE HOST "\rGET"), 400, "carriage return" },
    { "a carriage return alone ends no request line", STR("GET / HTTP/1.1\rHost: a\r\n\r\n"), 400,
      "carriage return" },
    { "a carriage return alone before the request is refused", STR("\rGET / HTTP/1.1\r\n\r\n"), 400,
      "carriage return" },
    { "a NUL in a value is refused", WITH("A: b\0c"), 400, "NUL" },
    { "an escape in a value is refused", WITH("A: \x1b[0m"), 400, "control character" },
    { "a DEL in a value is refused", WITH("A: \x7f"), 400, "control character" },
    { "a backspace in Host is refused", STR(LINE "Host: a\x08\r\n\r\n"), 400, "control character" },
    { "a value of 15 good bytes and a NUL is refused", WITH("A: 123456789012345\0"), 400, "NUL" },
    { "a value of 16 good bytes and a NUL is refused", WITH("A: 1234567890123456\0"), 400, "NUL" },

    /* The request line. */
    { "a TLS handshake is refused at its first byte", STR("\x16\x03\x01\x02\x00\x01"), 400, "TLS" },
    { "a leading space is refused", STR(" GET / HTTP/1.1\r\n"), 400, "no method" },
    { "a leading NUL is refused", STR("\0GET / HTTP/1.1\r\n"), 400, "NUL" },
    { "a third empty line before the request is refused", STR("\r\n\r\n\r\nGET / HTTP/1.1\r\n"),
      400, "empty lines" },
    { "a method with a bracket is refused", STR("GE(T / HTTP/1.1\r\n"), 400, "no method" },
    { "a method with a colon is refused", STR("GET:/ HTTP/1.1\r\n"), 400, "no method" },
    { "a method of 33 letters is refused", STR("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n"),
      400, "too long" },
    { "a method alone is refused", STR("GET\r\n\r\n"), 400, "no method" },
    { "a tab behind the method is refused", STR("GET\t/ HTTP/1.1\r\n"), 400, "no method" },
    { "two spaces behind the method are refused", STR("GET  / HTTP/1.1\r\n"), 400,
      "more than one space" },
    { "two spaces behind the target are refused", STR("GET /  HTTP/1.1\r\n"), 400,
      "not an HTTP version" },
    { "a tab behind the target is refused", STR("GET /\tHTTP/1.1\r\n"), 400, "visible ASCII" },
    { "a space behind the version is refused", STR("GET / HTTP/1.1 \r\n"), 400,
      "behind the HTTP version" },
    { "a space in the target is refused", STR("GET /a b HTTP/1.1\r\n"), 400,
      "not an HTTP version" },
    { "a second version in the target is refused", STR("GET / HTTP/1.1 HTTP/1.1\r\n"), 400,
      "behind the HTTP version" },
    { "a high byte in the target is refused", STR("GET /caf\xc3\xa9 HTTP/1.1\r\n"), 400,
      "visible ASCII" },
    { "a NUL in the target is refused", STR("GET /a\0b HTTP/1.1\r\n"), 400, "NUL" },
    { "a DEL in the target is refused", STR("GET /\x7f HTTP/1.1\r\n"), 400, "control character" },
    { "a fragment in the target is refused", STR("GET /a#b HTTP/1.1\r\n"), 400, "fragment" },
    { "a fragment behind 16 bytes of target is refused", STR("GET /123456789012345#b HTTP/1.1\r\n"),
      400, "fragment" },
    { "HTTP/0.9 without a version is not served", STR("GET /\r\n"), 505, "without a version" },
    { "HTTP/0.9 by name is not served", STR("GET / HTTP/0.9\r\n"), 505, "other than 1.0" },
    { "HTTP/1.2 is not served", STR("GET / HTTP/1.2\r\n"), 505, "other than 1.0" },
    { "HTTP/2.0 is not served", STR("GET / HTTP/2.0\r\n"), 505, "other than 1.0" },
    { "the preface of HTTP/2 is not served", STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505,
      "other than 1.0" },
    { "HTTP/1.10 is refused", STR("GET / HTTP/1.10\r\n"), 400, "behind the HTTP version" },
    { "HTTP/01.1 is not served", STR("GET / HTTP/01.1\r\n"), 505, "other than 1.0" },
    { "HTTP/1,1 is refused", STR("GET / HTTP/1,1\r\n"), 400, "not an HTTP version" },
    { "http/1.1 in small letters is refused", STR("GET / http/1.1\r\n"), 400,
      "not an HTTP version" },
    { "another protocol is refused", STR("GET / ICAP/1.0\r\n"), 400, "not an HTTP version" },
    { "a response is no request", STR("HTTP/1.1 200 OK\r\n"), 400, "no method" },

    /* The target and the host. */
    { "a target without a slash is refused", STR("GET a HTTP/1.1\r\n" HOST "\r\n"), 400,
      "neither a path" },
    { "a relative target is refused", STR("GET ../a HTTP/1.1\r\n" HOST "\r\n"), 400,
      "neither a path" },
    { "an ftp target is refused", STR("GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n"), 400,
      "neither a path" },
    { "a file target is refused", STR("GET file:///etc/passwd HTTP/1.1\r\n" HOST "\r\n"), 400,
      "neither a path" },
    { "an absolute target with one slash is refused", STR("GET http:/a HTTP/1.1\r\n" HOST "\r\n"),
      400, "neither a path" },
    { "an absolute target without a host is refused", STR("GET http:///a HTTP/1.1\r\n" HOST "\r\n"),
      400, "authority" },
    { "an absolute target with only a port is refused",
      STR("GET http://:80/ HTTP/1.1\r\n" HOST "\r\n"), 400, "authority" },
    { "an absolute target with userinfo is refused",
      STR("GET http://a@b/ HTTP/1.1\r\n" HOST "\r\n"), 400, "authority" },
    { "an absolute target with a password is refused",
      STR("GET http://a:b@c/ HTTP/1.1\r\n" HOST "\r\n"), 400, "authority" },
    { "an absolute target with a backslash is refused",
      STR("GET http://a\\b/ HTTP/1.1\r\n" HOST "\r\n"), 400, "authority" },
    { "an absolute target does not replace a missing Host", STR("GET http://a/ HTTP/1.1\r\n\r\n"),
      400, "without Host" },
    { "an asterisk with GET is refused", STR("GET * HTTP/1.1\r\n" HOST "\r\n"), 400, "OPTIONS" },
    { "two asterisks are refused", STR("OPTIONS ** HTTP/1.1\r\n" HOST "\r\n"), 400,
      "neither a path" },
    { "CONNECT to a path is refused", STR("CONNECT / HTTP/1.1\r\n" HOST "\r\n"), 400, "host:port" },
    { "CONNECT without a port is refused", STR("CONNECT a HTTP/1.1\r\n" HOST "\r\n"), 400,
      "host:port" },
    { "CONNECT to a URI is refused", STR("CONNECT http://a:1/ HTTP/1.1\r\n" HOST "\r\n"), 400,
      "host:port" },
    { "CONNECT to port 0 is refused", STR("CONNECT a:0 HTTP/1.1\r\n" HOST "\r\n"), 400,
      "host:port" },
    { "an authority with GET is refused", STR("GET a:80 HTTP/1.1\r\n" HOST "\r\n"), 400,
      "neither a path" },
    { "HTTP/1.1 without Host is refused", STR(LINE "A: b\r\n\r\n"), 400, "without Host" },
    { "two Hosts are refused", WITH("Host: b"), 400, "two Host" },
    { "two equal Hosts are refused", WITH("hOST: a"), 400, "two Host" },
    { "two Hosts in HTTP/1.0 are refused", STR("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400,
      "two Host" },
    { "a Host with a path is refused", STR(LINE "Host: a/b\r\n\r\n"), 400, "Host is not" },
    { "a Host with userinfo is refused", STR(LINE "Host: a@b\r\n\r\n"), 400, "Host is not" },
    { "a Host with a space is refused", STR(LINE "Host: a b\r\n\r\n"), 400, "Host is not" },
    { "a list of Hosts is refused", STR(LINE "Host: a, b\r\n\r\n"), 400, "Host is not" },
    { "a Host with a query is refused", STR(LINE "Host: a?b\r\n\r\n"), 400, "Host is not" },
    { "a Host with a backslash is refused", STR(LINE "Host: a\\b\r\n\r\n"), 400, "Host is not" },
    { "a Host with an angle bracket is refused", STR(LINE "Host: <a>\r\n\r\n"), 400,
      "Host is not" },
    { "a Host with a high byte is refused", STR(LINE "Host: caf\xe9\r\n\r\n"), 400, "Host is not" },
    { "a Host with a large port is refused", STR(LINE "Host: a:65536\r\n\r\n"), 400,
      "Host is not" },
    { "a Host with a signed port is refused", STR(LINE "Host: a:+80\r\n\r\n"), 400, "Host is not" },
    { "a Host with two ports is refused", STR(LINE "Host: a:80:80\r\n\r\n"), 400, "Host is not" },
    { "a Host with an open bracket is refused", STR(LINE "Host: [::1\r\n\r\n"), 400,
      "Host is not" },
    { "a Host with a bad IPv6 address is refused", STR(LINE "Host: [::g]\r\n\r\n"), 400,
      "Host is not" },
    { "a bad Host in HTTP/1.0 is refused", STR("GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"), 400,
      "Host is not" },
    { "Connection cannot drop Host", WITH("Connection: Host"), 400, "Connection names" },
    { "Connection cannot drop Content-Length",
      POST("Content-Length: 4\r\nConnection: close, content-length"), 400, "Connection names" },
    { "Connection with 65 options is refused",
      WITH("Connection: ,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"), 400,
      "too many options" },
    { "two Upgrades are refused", WITH("Upgrade: a\r\nConnection: upgrade\r\nUpgrade: h2c"), 400,
      "two Upgrade" },

    /* Limits: 128 bytes of line, 512 of head, 8 fields. */
    { "a request line above its limit is refused",
      STR("GET /" LONG64 LONG64 " HTTP/1.1\r\n" HOST "\r\n"), 414, "too long" },
    { "a request line is refused before its end", STR("GET /" LONG64 LONG64), 414, "too long" },
    { "a request line one byte too long is refused",
      STR("GET /" LONG64 "0123456789abcdef0123456789abcdef01234567890123456 HTTP/1.1\r\n" HOST
          "\r\n"),
      414, "too long" },
    { "a ninth field is refused",
      WITH("B: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\nI: 1"), 431,
      "too many fields" },
    { "a head above its limit is refused",
      WITH("B: " LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64), 431, "too large" },
    { "a head that is spread over fields is refused",
      WITH("B: " LONG64 LONG64 "\r\nC: " LONG64 LONG64 "\r\nD: " LONG64 LONG64
           "\r\nE: " LONG64 LONG64),
      431, "too large" },
    { "a name without an end is refused",
      STR(LINE HOST LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64), 431, "too large" },
    { "spaces without an end are refused",
      STR(LINE HOST "A:"
                    "                                                                "
                    "                                                                "
                    "                                                                "
                    "                                                                "
                    "                                                                "
                    "                                                                "
                    "                                                                "
                    "                                                                "),
      431, "too large" },
};

static const struct refusal responses[] = {
    { "a response with Content-Length and Transfer-Encoding is refused",
      STR("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"), 502,
      "after Content-Length" },
    { "a response with two Content-Lengths is refused",
      STR("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n"), 502,
      "two Content-Length" },
    { "a response with a signed Content-Length is refused",
      STR("HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n"), 502, "not a number" },
    { "a response with gzip, chunked is refused",
      STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 502,
      "other than chunked" },
    { "an HTTP/1.0 response with chunks is refused",
      STR("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), 502, "HTTP/1.0" },
    { "a response with a folded field is refused", STR("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"),
      502, "folded" },
    { "a response with a bare line feed is refused", STR("HTTP/1.1 200 OK\nA: b\n\n"), 502,
      "line feed" },
    { "a response with a NUL in its reason is refused", STR("HTTP/1.1 200 O\0K\r\n\r\n"), 502,
      "NUL" },
    { "a response with a bare carriage return in its reason is refused",
      STR("HTTP/1.1 200 O\rK\r\n\r\n"), 502, "carriage return" },
    { "a response with a status of two digits is refused", STR("HTTP/1.1 20 OK\r\n\r\n"), 502,
      "status" },
    { "a response with a status of four digits is refused", STR("HTTP/1.1 2000 OK\r\n\r\n"), 502,
      "behind the status" },
    { "a response with status 099 is refused", STR("HTTP/1.1 099 Low\r\n\r\n"), 502, "status" },
    { "a response with a signed status is refused", STR("HTTP/1.1 -20 OK\r\n\r\n"), 502, "status" },
    { "a response with two spaces before its status is refused", STR("HTTP/1.1  200 OK\r\n\r\n"),
      502, "status" },
    { "a response without a status is refused", STR("HTTP/1.1\r\n\r\n"), 502,
      "behind the HTTP version" },
    { "a response of HTTP/2 is refused", STR("HTTP/2 200\r\n\r\n"), 502, "other than 1.0" },
    { "a response of HTTP/1.2 is refused", STR("HTTP/1.2 200 OK\r\n\r\n"), 502, "other than 1.0" },
    { "an empty line before a response is refused", STR("\r\nHTTP/1.1 200 OK\r\n\r\n"), 502,
      "not an HTTP version" },
    { "a response with nine fields is refused",
      STR("HTTP/1.1 200 OK\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\nI:\r\n\r\n"), 502,
      "too many fields" },
    { "a request is no response", STR("GET / HTTP/1.1\r\n"), 502, "not an HTTP version" },
};

static const struct refusal *now;
static enum http_role role;

static void cuts_check(const struct head_run *whole)
{
    static struct head_run r;
    size_t cuts[2], len = now->bytes.len;

    head_run_bytes(&r, role, &limits, now->bytes);
    CHECK(head_run_same(whole, &r));
    for (cuts[0] = 0; cuts[0] <= len; cuts[0]++) {
        head_run(&r, role, &limits, now->bytes, cuts, 1);
        CHECK(head_run_same(whole, &r));
        for (cuts[1] = cuts[0]; len <= 100 && cuts[1] <= len; cuts[1]++) {
            head_run(&r, role, &limits, now->bytes, cuts, 2);
            CHECK(head_run_same(whole, &r));
        }
    }
}

static void refusal_check(void)
{
    static struct head_run whole, r;
    bool limit;
    size_t at;

    head_run(&whole, role, &limits, now->bytes, NULL, 0);
    CHECK_EQ(whole.step, HTTP_BAD);
    if (whole.step != HTTP_BAD)
        return;
    CHECK_EQ(whole.error.status, now->status);
    if (!strstr(whole.error.text, now->text))
        printf("# the text is \"%s\"\n", whole.error.text);
    CHECK(strstr(whole.error.text, now->text));
    cuts_check(&whole);

    /* A limit of bytes is reached in front of `at`, every other mistake is the byte at it. */
    limit = strstr(whole.error.text, "line is too long") || strstr(whole.error.text, "too large");
    limit = limit && whole.error.status != 400 && !strstr(whole.error.text, "not a number");
    at = whole.error.at + !limit;
    CHECK(at <= now->bytes.len);
    head_run(&r, role, &limits, str_sub(now->bytes, 0, at), NULL, 0);
    CHECK(head_run_same(&whole, &r));
    head_run(&r, role, &limits, str_sub(now->bytes, 0, at - 1), NULL, 0);
    CHECK_EQ(r.step, HTTP_MORE);
}

int main(void)
{
    role = HTTP_REQUEST;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        now = &requests[i];
        tap_run(refusal_check, now->name);
    }
    role = HTTP_RESPONSE;
    for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
        now = &responses[i];
        tap_run(refusal_check, now->name);
    }
    return tap_done();
}
