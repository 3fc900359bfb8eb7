/* sourcemap/whereabouts.c -- URLs and paths */
#include "sourcemap/whereabouts.h"

static int hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* "%" that stands before no two hexadecimal digits is itself. */
static void percent_decoded(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        int high = s.ptr[i] == '%' && i + 2 < s.len ? hex_of(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_of(s.ptr[i + 2]) : -1;

        if (low >= 0 && high * 16 + low != 0) {
            buf_addc(out, (char)(high * 16 + low));
            i += 2;
        } else {
            buf_addc(out, s.ptr[i]);
        }
    }
}

/* The length of "file:" and the like; 0: there is no scheme. */
static size_t scheme_len(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i] | 32;

        if (s.ptr[i] == ':')
            return i > 1 ? i + 1 : 0;
        if (!(c >= 'a' && c <= 'z') &&
            !(i && ((s.ptr[i] >= '0' && s.ptr[i] <= '9') || memchr("+-.", s.ptr[i], 3))))
            return 0;
    }
    return 0;
}

/* The length of what stands before the path: "webpack://shop", "https://host". */
static size_t authority_len(struct str s)
{
    size_t at = scheme_len(s);

    if (!at || s.len < at + 2 || s.ptr[at] != '/' || s.ptr[at + 1] != '/')
        return at;
    for (at += 2; at < s.len && s.ptr[at] != '/';)
        at++;
    return at;
}

static struct str rest_of(struct str s, size_t from)
{
    return str_sub(s, from, s.len);
}

bool whereabouts_path(struct str url, struct buf *out)
{
    static const struct str file = STR("file://"), local = STR("file://localhost/");

    if (str_starts_nocase(url, local))
        url = rest_of(url, local.len - 1);
    else if (str_starts_nocase(url, file))
        url = rest_of(url, file.len);
    else if (url.len && url.ptr[0] == '/' && !memchr(url.ptr, '\0', url.len)) {
        buf_add(out, url);
        return true;
    } else
        return false;
    if (!url.len || url.ptr[0] != '/' || memchr(url.ptr, '\0', url.len))
        return false;
    for (size_t i = 0; i < url.len; i++) /* what an ES module was imported with: x.mjs?v=2 */
        if (url.ptr[i] == '?' || url.ptr[i] == '#')
            url.len = i;
    percent_decoded(url, out);
    return true;
}

struct str whereabouts_folder(struct str path)
{
    size_t least = authority_len(path);

    while (path.len > least && path.ptr[path.len - 1] != '/')
        path.len--;
    return path;
}

/* Adds the parts of a path to what stands from `root` on, which ".." does not leave. */
static void parts_add(struct str path, size_t root, struct buf *out)
{
    struct str part;

    while (path.ptr) {
        part = str_cut(path, '/', &path);
        if (str_eq(part, STR(".."))) {
            size_t len = out->len;

            if (len > root)
                for (len--; len > root && out->ptr[len - 1] != '/';)
                    len--;
            out->len = len;
        } else if (part.len && !str_eq(part, STR("."))) {
            buf_add(out, part);
            if (path.ptr)
                buf_addc(out, '/');
        }
    }
}

void whereabouts_resolve(struct str ref, struct str base, struct buf *out)
{
    AUTO(buf_done) struct buf plain = { 0 };
    size_t authority = authority_len(ref);

    if (str_starts_nocase(ref, STR("file:")) && whereabouts_path(ref, &plain)) {
        ref = buf_str(&plain);
        authority = 0;
        base = (struct str){ 0 };
    } else if (!authority && !authority_len(base)) {
        percent_decoded(ref, &plain);
        ref = buf_str(&plain);
    }
    if (authority) {
        base = str_sub(ref, 0, authority);
        ref = rest_of(ref, authority);
        if (base.ptr[base.len - 1] == ':') { /* no path: data:, node:fs */
            buf_add(out, base);
            buf_add(out, ref);
            return;
        }
    } else {
        authority = authority_len(base);
    }
    buf_add(out, str_sub(base, 0, authority));
    base = rest_of(base, authority);
    if (authority || (ref.len && ref.ptr[0] == '/') || (base.len && base.ptr[0] == '/'))
        buf_addc(out, '/');
    if (out->failed)
        return;
    authority = out->len;
    if (!(ref.len && ref.ptr[0] == '/'))
        parts_add(base, authority, out);
    parts_add(ref, authority, out);
}

static bool base64_decoded(struct str s, struct buf *out)
{
    u32 bits = 0, have = 0;

    while (s.len && s.ptr[s.len - 1] == '=')
        s.len--;
    if (!buf_reserve(out, s.len / 4 * 3 + 3))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                    : c >= 'a' && c <= 'z' ? c - 'a' + 26
                    : c >= '0' && c <= '9' ? c - '0' + 52
                    : c == '+' || c == '-' ? 62
                    : c == '/' || c == '_' ? 63
                                           : -1;

        if (value < 0)
            return false;
        bits = bits << 6 | (u32)value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        buf_addc(out, (char)(bits >> have));
    }
    return !out->failed;
}

bool whereabouts_data(struct str url, struct buf *out)
{
    struct str head, body;

    if (!str_starts_nocase(url, STR("data:")))
        return false;
    head = str_cut(url, ',', &body);
    if (!body.ptr)
        return false;
    if (str_ends(head, STR(";base64")))
        return base64_decoded(body, out);
    percent_decoded(body, out);
    return !out->failed;
}
