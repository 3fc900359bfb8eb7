/* conf/package_json.c -- what a package.json says about starting it */
#include "conf/package_json.h"

#include "conf/file.h"

#include <jansson.h>

enum { BYTES_MAX = 4 << 20 };

struct package_json {
    json_t *root;
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
    json_error_t error;

    if (!pkg)
        return -ENOMEM;
    if (str_starts(text, STR("\xef\xbb\xbf"))) /* npm takes a byte order mark too */
        text = str_sub(text, 3, text.len);
    pkg->root = json_loadb(text.ptr ? text.ptr : "", text.len, 0, &error);
    if (!pkg->root) {
        int err = json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EINVAL;

        free(pkg);
        if (err == -ENOMEM)
            return err;
        problem_at(p, path, (u32)max(0, error.line), "");
        return problem_set(p, "not valid JSON: %s", error.text);
    }
    if (!json_is_object(pkg->root)) {
        package_json_free(pkg);
        return problem_at(p, path, 1, "must be a JSON object, {\"name\": …}");
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
    json_decref(pkg->root);
    free(pkg);
}

static struct str text_of(const json_t *value)
{
    return str_make(json_string_value(value), json_string_length(value));
}

struct str package_json_name(const struct package_json *pkg)
{
    return text_of(json_object_get(pkg->root, "name"));
}

struct str package_json_version(const struct package_json *pkg)
{
    return text_of(json_object_get(pkg->root, "version"));
}

struct str package_json_main(const struct package_json *pkg)
{
    return text_of(json_object_get(pkg->root, "main"));
}

struct str package_json_script(const struct package_json *pkg, struct str name)
{
    json_t *scripts = json_object_get(pkg->root, "scripts"), *value;
    const char *key;

    json_object_foreach(scripts, key, value)
    {
        if (str_eq(str_of(key), name))
            return text_of(value);
    }
    return (struct str){ 0 };
}

void package_json_script_names(const struct package_json *pkg, u32 most, struct buf *out)
{
    json_t *scripts = json_object_get(pkg->root, "scripts"), *value;
    const char *key;
    u32 n = 0;

    json_object_foreach(scripts, key, value)
    {
        buf_add(out, n ? STR(", ") : STR(""));
        if (n++ == most) {
            buf_add(out, STR("…"));
            return;
        }
        buf_add(out, str_of(key));
    }
}

struct str package_json_script_nearest(const struct package_json *pkg, struct str name)
{
    json_t *scripts = json_object_get(pkg->root, "scripts"), *value;
    struct str nearest = { 0 };
    u32 least = UINT32_MAX, distance;
    const char *key;

    json_object_foreach(scripts, key, value)
    {
        distance = str_distance(name, str_of(key));
        if (distance < least && distance <= 1 + name.len / 3) {
            least = distance;
            nearest = str_of(key);
        }
    }
    return nearest;
}
