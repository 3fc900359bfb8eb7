/* view/flame.c -- what all forms of a flame graph share */
#include "view/flame.h"

enum { HTML_CALLS_MAX = 60000, SVG_CALLS_MAX = 5000, SPEEDSCOPE_CALLS_MAX = 50000 };

int flame_init(struct flame *f, const struct profile *profile, struct str title,
               enum flame_format format)
{
    /* In a picture of 1200 points, what is narrower than a fifth of one is not to be seen. */
    static const struct calltree_conf conf[] = {
        [FLAME_HTML] = { .calls_max = HTML_CALLS_MAX },
        [FLAME_SVG] = { SVG_CALLS_MAX, 0.2 / 1200, true },
        [FLAME_SPEEDSCOPE] = { .calls_max = SPEEDSCOPE_CALLS_MAX },
    };

    *f = (struct flame){ .profile = profile, .title = title };
    f->hit_ms = profile->is_of_bytes ? 0 : profile_hit_ms(profile);
    return calltree_build(&f->tree, profile, &conf[format]);
}

void flame_done(struct flame *f)
{
    calltree_done(&f->tree);
}

int flame_write(const struct flame *f, enum flame_format format, struct buf *out)
{
    switch (format) {
    case FLAME_HTML:
        flame_html(f, out);
        break;
    case FLAME_SVG:
        flame_svg(f, out);
        break;
    case FLAME_SPEEDSCOPE:
        speedscope_write(f, out);
        break;
    }
    return out->failed ? -ENOMEM : 0;
}

enum flame_kind flame_kind(const struct flame *f, u32 frame, struct str *package)
{
    struct str url;

    *package = (struct str){ 0 };
    if (frame == CALLTREE_SMALL)
        return FLAME_SMALL;
    url = profile_url(f->profile, frame);
    switch (hotspots_kind(profile_name(f->profile, frame), url, package)) {
    case HOTSPOT_APP:
        return FLAME_APP;
    case HOTSPOT_PACKAGE:
        return FLAME_PACKAGE;
    case HOTSPOT_NODE:
        return url.len ? FLAME_NODE : FLAME_NATIVE;
    case HOTSPOT_GC:
        return FLAME_GC;
    case HOTSPOT_IDLE:
        return FLAME_IDLE;
    case HOTSPOT_PROGRAM:
        return FLAME_PROGRAM;
    case HOTSPOT_ROOT:
        return FLAME_ROOT;
    }
    return FLAME_APP;
}

const char *flame_kind_key(enum flame_kind kind)
{
    static const char *const key[] = {
        [FLAME_APP] = "app",       [FLAME_PACKAGE] = "package", [FLAME_NODE] = "node",
        [FLAME_NATIVE] = "native", [FLAME_GC] = "gc",           [FLAME_PROGRAM] = "program",
        [FLAME_IDLE] = "idle",     [FLAME_ROOT] = "root",       [FLAME_SMALL] = "small",
    };

    return key[kind];
}

struct str flame_name(const struct flame *f, u32 frame)
{
    struct str name = profile_name(f->profile, frame);

    return name.len ? name : STR("(anonymous)");
}

struct str flame_file(const struct flame *f, u32 frame)
{
    struct str url = profile_url(f->profile, frame);

    return str_starts(url, STR("file://")) ? str_sub(url, 7, url.len) : url;
}

void flame_amount(const struct flame *f, u64 hits, struct buf *out)
{
    static const char *const unit[] = { "B", "KB", "MB", "GB", "TB" };
    double n = (double)hits * f->hit_ms;
    u32 at = 0;

    if (!f->profile->is_of_bytes) {
        buf_addf(out,
                 n < 100     ? "%.1f ms"
                 : n < 10000 ? "%.0f ms"
                             : "%.1f s",
                 n < 10000 ? n : n / 1000);
        return;
    }
    for (n = (double)hits; n >= 1000 && at + 1 < ARRAY_LEN(unit); at++)
        n /= 1024;
    buf_addf(out, at && n < 100 ? "%.1f %s" : "%.0f %s", n, unit[at]);
}
