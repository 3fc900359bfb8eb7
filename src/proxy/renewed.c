/* proxy/renewed.c -- the settings that a reload has brought */
#include "proxy/renewed.h"

#include "base/log.h"

#define OLD_NS (10 * NS_PER_S)
enum { FLAGS_MAX = 1024 };

struct renewed_settings {
    struct renewed_settings *next;
    struct settings settings;
    u64 made_ns;
};

static void free_one(struct renewed_settings *one)
{
    settings_done(&one->settings);
    free(one);
}

/* Of those that were replaced ten seconds ago nobody reads any more. */
static void old_free(struct renewed *r, u64 now_ns)
{
    struct renewed_settings **at = &r->old;
    u64 replaced_ns = now_ns; /* the newest one is in force until now */

    while (*at) {
        struct renewed_settings *one = *at;
        u64 made_ns = one->made_ns;

        if (now_ns - replaced_ns > OLD_NS) {
            *at = one->next;
            free_one(one);
        } else {
            at = &one->next;
        }
        replaced_ns = made_ns;
    }
}

void renewed_done(struct renewed *r)
{
    while (r->old) {
        struct renewed_settings *one = r->old;

        r->old = one->next;
        free_one(one);
    }
}

struct str renewed_section(struct str *rest)
{
    struct str section = *rest;

    for (size_t at = 0; at < section.len;) {
        size_t len = strnlen(section.ptr + at, section.len - at) + 1;

        if (len == 3 && memcmp(section.ptr + at, "--", 2) == 0) {
            *rest = str_sub(section, at + len, section.len);
            return str_sub(section, 0, at);
        }
        at += len;
    }
    *rest = (struct str){ 0 };
    return section;
}

static int read_into(struct settings *out, const struct settings *present, struct str flags,
                     struct problem *p)
{
    char *argv[FLAGS_MAX];
    struct settings_args args;
    int argc = 0, err = settings_init(out);

    for (size_t at = 0; at < flags.len && argc < FLAGS_MAX; at += strlen(flags.ptr + at) + 1) {
        if (!memchr(flags.ptr + at, 0, flags.len - at))
            return -EPROTO;
        argv[argc++] = (char *)flags.ptr + at;
    }
    if (!err)
        err = settings_read_args(out, argc, argv, 0, &args, p);
    if (!err)
        err = settings_put(out, &out->runtime_dir, present->runtime_dir);
    out->threads = present->threads;
    out->max_fields = present->max_fields;
    out->max_head_bytes = present->max_head_bytes;
    return err;
}

const struct settings *renewed_read(struct renewed *r, const struct settings *present,
                                    struct str flags, u64 now_ns)
{
    struct renewed_settings *one = calloc(1, sizeof(*one));
    struct problem p = { 0 };
    int err = one ? read_into(&one->settings, present, flags, &p) : -ENOMEM;

    if (err) {
        log_error("the new settings are not taken: %s", p.text[0] ? p.text : strerror(-err));
        if (one)
            free_one(one);
        return NULL;
    }
    one->made_ns = now_ns;
    old_free(r, now_ns);
    one->next = r->old;
    r->old = one;
    return &one->settings;
}
