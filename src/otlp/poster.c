/* otlp/poster.c -- one HTTP POST at a time, through libcurl */
#include "otlp/poster.h"

#include "io/library.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdatomic.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct {
    bool loaded;
    union {
        struct { /* in the order of their names below */
            __typeof__(curl_global_init) *global_init;
            __typeof__(curl_easy_init) *easy_init;
            __typeof__(curl_easy_setopt) *setopt;
            __typeof__(curl_easy_getinfo) *getinfo;
            __typeof__(curl_easy_perform) *perform;
            __typeof__(curl_easy_cleanup) *cleanup;
            __typeof__(curl_easy_strerror) *strerror;
            __typeof__(curl_easy_unescape) *unescape;
            __typeof__(curl_free) *free;
            __typeof__(curl_slist_append) *slist_append;
            __typeof__(curl_slist_free_all) *slist_free;
        };
        void *function[11];
    };
} curl;

struct poster {
    CURL *easy;
    struct curl_slist *fields, *fields_gzip;
    struct buf *answer; /* of the post that runs */
    _Atomic bool stopped;
};

static int curl_load(struct problem *p)
{
    static const char *const names[] = {
        "curl_global_init",  "curl_easy_init",    "curl_easy_setopt",    "curl_easy_getinfo",
        "curl_easy_perform", "curl_easy_cleanup", "curl_easy_strerror",  "curl_easy_unescape",
        "curl_free",         "curl_slist_append", "curl_slist_free_all",
    };
    static const struct library library = {
        .file = "libcurl.so.4",
        .what = "libcurl",
        .package = "libcurl4",
        .names = names,
        .count = ARRAY_LEN(names),
    };

    _Static_assert(ARRAY_LEN(names) == ARRAY_LEN(curl.function), "one for each");
    if (curl.loaded)
        return 0;
    if (library_load(&library, curl.function, p) < 0)
        return -ENOTSUP;
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        problem_set(p, "libcurl does not start");
        return -ENOTSUP;
    }
    curl.loaded = true;
    return 0;
}

/* libcurl gives pieces of any length; the rest of a long answer is not worth the connection. */
static size_t answer_take(char *bytes, size_t size, size_t n, void *data)
{
    struct poster *s = data;

    if (s->answer->len + size * n > POSTER_ANSWER_MAX)
        return 0;
    buf_add(s->answer, str_make(bytes, size * n));
    return s->answer->failed ? 0 : size * n;
}

static int stop_look(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct poster *s = data;

    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(&s->stopped);
}

static bool field_add(struct poster *s, struct str line)
{
    AUTO(freep) char *text = str_dup(line);
    struct curl_slist *one, *two;

    if (!text)
        return false;
    one = curl.slist_append(s->fields, text);
    if (one)
        s->fields = one;
    two = curl.slist_append(s->fields_gzip, text);
    if (two)
        s->fields_gzip = two;
    return one && two;
}

/* A value that would begin a field of its own is left out by the caller. */
static bool value_is_clean(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((u8)value.ptr[i] < 32 || value.ptr[i] == 127)
            return false;
    return true;
}

static int headers_add(struct poster *s, struct str headers, struct problem *p)
{
    while (headers.ptr && headers.len) {
        AUTO(buf_done) struct buf line = { 0 };
        struct str value, name = str_trim(str_cut(str_cut(headers, ',', &headers), '=', &value));
        struct str given = str_trim(value);
        int len = 0;
        char *plain = curl.unescape(s->easy, given.ptr ? given.ptr : "", (int)given.len, &len);
        struct str text = str_make(plain, (size_t)len);
        bool is_clean = plain && value_is_clean(text);

        buf_add(&line, name);
        buf_add(&line, STR(": "));
        buf_add(&line, text);
        curl.free(plain);
        if (!is_clean)
            return problem_set(p, "otlp-headers: the value of %.*s has a control character",
                               STR_ARG(str_sub(name, 0, 80)));
        if (line.failed || !field_add(s, buf_str(&line)))
            return -ENOMEM;
    }
    return 0;
}

static bool fields_make(struct poster *s)
{
    struct curl_slist *with;

    if (!field_add(s, STR("Content-Type: application/x-protobuf")) ||
        !field_add(s, STR("Expect:"))) /* no round trip before a large body */
        return false;
    with = curl.slist_append(s->fields_gzip, "Content-Encoding: gzip");
    if (with)
        s->fields_gzip = with;
    return with != NULL;
}

static int options_set(struct poster *s, const struct poster_conf *conf)
{
    AUTO(freep) char *url = str_dup(conf->url);
    AUTO(freep) char *certificate = str_dup(conf->certificate);
    CURLcode bad = 0;

    if (!url || !certificate)
        return -ENOMEM;
    bad |= curl.setopt(s->easy, CURLOPT_URL, url);
    bad |= curl.setopt(s->easy, CURLOPT_POST, 1L);
    bad |= curl.setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl.setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl.setopt(s->easy, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl.setopt(s->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl.setopt(s->easy, CURLOPT_USERAGENT, "fettle/" FETTLE_VERSION);
    bad |= curl.setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)max(conf->timeout_ns / NS_PER_MS, 1ull));
    bad |= curl.setopt(s->easy, CURLOPT_WRITEFUNCTION, answer_take);
    bad |= curl.setopt(s->easy, CURLOPT_WRITEDATA, s);
    bad |= curl.setopt(s->easy, CURLOPT_XFERINFOFUNCTION, stop_look);
    bad |= curl.setopt(s->easy, CURLOPT_XFERINFODATA, s);
    bad |= curl.setopt(s->easy, CURLOPT_NOPROGRESS, 0L);
    if (*certificate)
        bad |= curl.setopt(s->easy, CURLOPT_CAINFO, certificate);
    return bad ? -EINVAL : 0;
}

int poster_new(struct poster **out, const struct poster_conf *conf, struct problem *p)
{
    struct poster *s;
    int err = curl_load(p);

    if (err)
        return err;
    s = calloc(1, sizeof(*s));
    if (s)
        s->easy = curl.easy_init();
    if (!s || !s->easy || !fields_make(s))
        err = -ENOMEM;
    if (!err)
        err = headers_add(s, conf->headers, p);
    if (!err && options_set(s, conf))
        err = problem_set(p, "libcurl does not take the URL");
    if (err) {
        poster_free(s);
        return err;
    }
    *out = s;
    return 0;
}

void poster_free(struct poster *s)
{
    if (!s)
        return;
    if (s->easy)
        curl.cleanup(s->easy);
    curl.slist_free(s->fields);
    curl.slist_free(s->fields_gzip);
    free(s);
}

void poster_post(struct poster *s, struct str body, bool is_gzip, struct retry_answer *out,
                 struct buf *answer, const char **why)
{
    curl_off_t after_s = 0;
    CURLcode code;
    long status = 0;

    *out = (struct retry_answer){ 0 };
    *why = NULL;
    s->answer = answer;
    curl.setopt(s->easy, CURLOPT_HTTPHEADER, is_gzip ? s->fields_gzip : s->fields);
    curl.setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl.setopt(s->easy, CURLOPT_POSTFIELDS, body.ptr ? body.ptr : "");
    code = curl.perform(s->easy);
    curl.getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    /* An answer whose body is too long or breaks off is an answer all the same. */
    if (code != CURLE_OK && (code != CURLE_WRITE_ERROR || status == 0)) {
        *why = curl.strerror(code);
        return;
    }
    out->status = status > 0 && status < 1000 ? (u32)status : 0;
    if (!out->status)
        *why = "what answers there does not speak HTTP";
    if (curl.getinfo(s->easy, CURLINFO_RETRY_AFTER, &after_s) == CURLE_OK && after_s > 0)
        out->retry_after_ns = (u64)min(after_s, (curl_off_t)86400) * NS_PER_S;
}

void poster_stop(struct poster *s)
{
    atomic_store(&s->stopped, true);
}
