/* conf/package_json.c -- what a package.json says about starting it */
#include "conf/package_json.h"

#include "conf/file.h"
#include "conf/json_value.h"

enum { BYTES_MAX = 4 << 20 };

struct package_json {
    struct json_value *root;
};

static int problem_at(struct problem *p, const char *path, u32 line, const char *what)
{
    str_to_cstr(str_of(path), p->file, sizeof(p->file));
    p->line = line;
    return problem_set(p, "%s", what);
}

int package_json_parse(struct package_json **out, struct str text, const char *path,
                       struct problem *p)
{
    struct package_json *pkg = calloc(1, sizeof(*pkg));
    int err = pkg ? json_value_parse(&pkg->root, text, path, p) : -ENOMEM;

    if (!err && json_value_kind(pkg->root) != JSON_VALUE_OBJECT)
        err = problem_at(p, path, 1, "must be a JSON object, {\"name\": …}");
    if (err) {
        package_json_free(pkg);
        return err;
    }
    *out = pkg;
    return 0;
}

int package_json_read(struct package_json **out, const char *path, struct problem *p)
{
    AUTO(buf_done) struct buf text = { 0 };
    int err = file_read(path, BYTES_MAX, &text);

    *p = (struct problem){ 0 };
    if (err == -ENOENT || err == -ENOTDIR)
        return -ENOENT;
    if (err == -ENOMEM)
        return err;
    if (err == -EFBIG)
        return problem_at(p, path, 0, "is larger than 4 MiB, which no package.json is");
    if (err) {
        problem_at(p, path, 0, "");
        return problem_set(p, "cannot be read: %s", strerror(-err));
    }
    return package_json_parse(out, buf_str(&text), path, p);
}

void package_json_free(struct package_json *pkg)
{
    if (!pkg)
        return;
    json_value_free(pkg->root);
    free(pkg);
}

static struct str member_text(const struct package_json *pkg, const char *name)
{
    return json_value_text(json_value_member(pkg->root, name));
}

struct str package_json_name(const struct package_json *pkg)
{
    return member_text(pkg, "name");
}

struct str package_json_version(const struct package_json *pkg)
{
    return member_text(pkg, "version");
}

struct str package_json_main(const struct package_json *pkg)
{
    return member_text(pkg, "main");
}

const struct json_value *package_json_settings(const struct package_json *pkg)
{
    return json_value_member(pkg->root, "fettle");
}

struct str package_json_script(const struct package_json *pkg, struct str name)
{
    const struct json_value *scripts = json_value_member(pkg->root, "scripts"), *value;
    struct str key;

    for (void *at = NULL; json_value_each(scripts, &at, &key, &value);)
        if (str_eq(key, name))
            return json_value_text(value);
    return (struct str){ 0 };
}

void package_json_script_names(const struct package_json *pkg, u32 most, struct buf *out)
{
    const struct json_value *scripts = json_value_member(pkg->root, "scripts"), *value;
    struct str key;
    u32 n = 0;

    for (void *at = NULL; json_value_each(scripts, &at, &key, &value);) {
        buf_add(out, n ? STR(", ") : STR(""));
        if (n++ == most) {
            buf_add(out, STR("…"));
            return;
        }
        buf_add(out, key);
    }
}

struct str package_json_script_nearest(const struct package_json *pkg, struct str name)
{
    const struct json_value *scripts = json_value_member(pkg->root, "scripts"), *value;
    struct str key, nearest = { 0 };
    u32 least = UINT32_MAX, distance;

    for (void *at = NULL; json_value_each(scripts, &at, &key, &value);) {
        distance = str_distance(name, key);
        if (distance < least && distance <= 1 + name.len / 3) {
            least = distance;
            nearest = key;
        }
    }
    return nearest;
}
