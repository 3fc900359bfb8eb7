/* app/apps.c -- the apps that run together: what each of them is told */
#include "app/apps.h"

#include "shm/layout.h"

enum { NAME_MAX_BYTES = 47 };

void apps_done(struct apps *apps)
{
    for (u32 i = 0; i < apps->count; i++) {
        settings_done(&apps->list[i].settings);
        config_file_done(&apps->list[i].file);
    }
    free(apps->list);
    *apps = (struct apps){ 0 };
}

/* What flags and the environment say holds for all apps. */
static int inherit(struct settings *to, const struct settings *from)
{
    struct problem ignored;
    int err = settings_init(to);

    for (u32 i = 0; i < settings_row_count && !err; i++) {
        const struct settings_row *row = &settings_rows[i];
        const struct settings_origin *origin = settings_origin_of(from, row);
        AUTO(buf_done) struct buf text = { 0 };

        if (origin->source < SETTINGS_ENV)
            continue;
        settings_text(from, row, &text);
        err = text.failed ? -ENOMEM : settings_set(to, row, buf_str(&text), origin, &ignored);
    }
    return err;
}

/* Names a setting and where it stands. */
static int mistake(struct problem *p, const struct settings *s, const struct settings_row *row,
                   const char *what)
{
    const struct settings_origin *from = settings_origin_of(s, row);
    struct str key = from->key.len ? str_sub(from->key, 0, 200) : str_of(row->name);

    str_to_cstr(from->file, p->file, sizeof(p->file));
    p->line = from->line;
    return problem_set(p, "%s%.*s: %s", from->source == SETTINGS_FLAG ? "--" : "", STR_ARG(key),
                       what);
}

static int shared_check(const struct settings *first, const struct settings *other,
                        struct problem *p)
{
    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];
        const struct settings_origin *from = settings_origin_of(other, row);
        bool in_other = from->source == SETTINGS_FILE_APP || from->source == SETTINGS_PACKAGE_APP;
        char what[300];

        if (!settings_row_is_shared(row) || settings_same(first, other, row))
            continue;
        snprintf(what, sizeof(what),
                 "app %.*s and app %.*s have two values for it, but one proxy and one monitor; "
                 "write it once, beside the apps",
                 STR_ARG(first->name), STR_ARG(other->name));
        return mistake(p, in_other ? other : first, row, what);
    }
    return 0;
}

/* A flag or a variable that can only be for one app. */
static int alone_check(const struct settings *s, const struct config_file *file, struct problem *p)
{
    static const char *const names[] = { "port", "name" };

    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        const struct settings_row *row = settings_row_find(str_of(names[i]), NULL);
        AUTO(buf_done) struct buf what = { 0 };

        if (settings_origin_of(s, row)->source < SETTINGS_ENV)
            continue;
        if (settings_origin_of(s, row)->source == SETTINGS_ENV)
            settings_env_name(row, &what);
        else
            buf_addf(&what, "--%s", row->name);
        buf_addc(&what, 0);
        if (what.failed)
            return -ENOMEM;
        if (config_file_ambiguous(file, what.ptr, p))
            return -EINVAL;
    }
    return 0;
}

static bool name_is_taken(const struct apps *apps, u32 before, struct str name)
{
    for (u32 i = 0; i < before; i++)
        if (str_eq(apps->list[i].settings.name, name))
            return true;
    return false;
}

/* pm2 names an app after its script, and so perhaps two alike. */
static int name_make(struct apps *apps, u32 index, struct str as_chosen)
{
    struct settings *s = &apps->list[index].settings;
    struct str base = str_sub(s->name.len ? s->name : as_chosen, 0, NAME_MAX_BYTES);
    char text[NAME_MAX_BYTES + 1];
    struct str name = base;

    for (u32 n = 2; name_is_taken(apps, index, name); n++) {
        snprintf(text, sizeof(text), "%.*s-%u", (int)min(base.len, (size_t)40), base.ptr, n);
        name = str_of(text);
    }
    return str_eq(name, s->name) ? 0 : settings_put(s, &s->name, name);
}

static int one_read(struct apps *apps, u32 index, const struct settings *s,
                    const struct config_file *file, const char *target, struct problem *p)
{
    struct apps_one *one = &apps->list[index];
    struct str app = strings_at(&file->chosen, index);
    int err = inherit(&one->settings, s);

    if (!err)
        err = config_file_load_app(&one->file, &one->settings, target, file, app, p);
    if (!err)
        err = settings_check(&one->settings, p);
    if (!err)
        err = name_make(apps, index, app);
    if (!err && index)
        err = shared_check(&apps->list[0].settings, &one->settings, p);
    return err;
}

int apps_read(struct apps *out, const struct settings *s, const struct config_file *file,
              const char *target, struct problem *p)
{
    int err = alone_check(s, file, p);

    *out = (struct apps){ 0 };
    if (err)
        return err;
    if (file->chosen.count > SHM_APPS_MAX)
        return problem_set(p, "%s: there are %u apps; at most %d can run together", file->path.ptr,
                           file->chosen.count, SHM_APPS_MAX);
    out->list = calloc(file->chosen.count, sizeof(*out->list));
    if (!out->list)
        return -ENOMEM;
    for (; out->count < file->chosen.count && !err; out->count++)
        err = one_read(out, out->count, s, file, target, p);
    return err;
}
