/* test/bench/http_parse_bench.c -- nanoseconds to parse one head or body
 *
 * Not part of make test. Build it with libfettle.a and run it; each line is the best of 20 rounds,
 * so that a busy machine spoils it least.
 */
#include "base/clock.h"
#include "http/body.h"

enum { ROUNDS = 20, TURNS = 20000 };

static const struct http_limits limits = { 8192, 32768, 100 };

static const char small[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char browser[] =
    "GET /api/products/42/reviews?sort=newest&page=3 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Referer: https://shop.example.com/products/42\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=6f1c2b3a4d5e6f708192a3b4c5d6e7f8; theme=dark; cart=17\r\n"
    "X-Request-Id: 0190f3c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f\r\n"
    "\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\n"
                               "X-Powered-By: Express\r\n"
                               "Content-Type: application/json; charset=utf-8\r\n"
                               "Content-Length: 1234\r\n"
                               "ETag: W/\"4d2-XkPb5b3J0b1y8rRk1c2d3e4f5g6\"\r\n"
                               "Date: Tue, 02 Jul 2024 10:11:12 GMT\r\n"
                               "Connection: keep-alive\r\n"
                               "Keep-Alive: timeout=5\r\n"
                               "\r\n";

/* Parses all of it at once (step 0), or as if `step` bytes came at a time. */
static void head_parse(enum http_role role, const char *bytes, size_t len, size_t step)
{
    struct http_field fields[64];
    struct http_parser p;
    struct http_head head;
    struct http_error error;
    size_t seen = step ? step : len;
    enum http_step s;

    http_parser_init(&p, role, &limits, fields, 64);
    while ((s = http_parse_head(&p, bytes, min(seen, len), &head, &error)) == HTTP_MORE)
        seen += step;
    if (s != HTTP_DONE || head.head_bytes != len)
        abort();
    __asm__ volatile("" ::"g"(&head) : "memory");
}

static void head_bench(const char *what, enum http_role role, const char *bytes, size_t len,
                       size_t step)
{
    u64 best = UINT64_MAX;

    for (int round = 0; round < ROUNDS; round++) {
        u64 from = clock_now_ns();

        for (int i = 0; i < TURNS; i++)
            head_parse(role, bytes, len, step);
        best = min(best, clock_now_ns() - from);
    }
    printf("%-44s %7.1f ns   %5zu bytes, %.2f GB/s\n", what, (double)best / TURNS, len,
           (double)len * TURNS / (double)best);
}

static void body_bench(size_t chunk)
{
    size_t payload = 1 << 20, len = 0;
    char *bytes = malloc(payload * 8 + 64);
    u64 best = UINT64_MAX;

    for (size_t at = 0; at < payload; at += chunk) {
        len += (size_t)snprintf(bytes + len, 32, "%zx\r\n", chunk);
        memset(bytes + len, 'x', chunk);
        memcpy(bytes + len + chunk, "\r\n", 2);
        len += chunk + 2;
    }
    memcpy(bytes + len, "0\r\n\r\n", 5);
    len += 5;
    for (int round = 0; round < ROUNDS; round++) {
        u64 from = clock_now_ns();
        struct http_body b;
        struct http_error error;
        struct str data;
        size_t at = 0, used;
        enum http_body_step step;

        http_body_init(&b, HTTP_BODY_CHUNKED, 0, 0);
        do {
            step = http_body_feed(&b, bytes + at, len - at, &used, &data, &error);
            at += used;
        } while (step == HTTP_BODY_DATA);
        if (step != HTTP_BODY_END || http_body_bytes(&b) != payload)
            abort();
        best = min(best, clock_now_ns() - from);
    }
    printf("chunks of %-8zu %28.1f ns a chunk\n", chunk, (double)best / (double)(payload / chunk));
    free(bytes);
}

int main(void)
{
    head_bench("GET with Host alone", HTTP_REQUEST, small, sizeof(small) - 1, 0);
    head_bench("a browser's request, 12 fields", HTTP_REQUEST, browser, sizeof(browser) - 1, 0);
    head_bench("the same in pieces of 100 bytes", HTTP_REQUEST, browser, sizeof(browser) - 1, 100);
    head_bench("the same byte by byte", HTTP_REQUEST, browser, sizeof(browser) - 1, 1);
    head_bench("an Express response, 7 fields", HTTP_RESPONSE, response, sizeof(response) - 1, 0);
    body_bench(16);
    body_bench(1024);
    body_bench(16384);
    return 0;
}
