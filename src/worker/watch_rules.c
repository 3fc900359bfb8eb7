/* worker/watch_rules.c -- whose changes restart an app that is watched */
#include "worker/watch_rules.h"

#include "base/clock.h"

#include <fnmatch.h>
#include <limits.h>

#define SERIES_MAX_NS (10 * NS_PER_S)

/* Between blanks, so that one search finds them. */
static const char endings[] =
    " js mjs cjs jsx ts mts cts tsx json json5 node wasm yml yaml toml graphql gql proto "
    "html ejs pug hbs handlebars njk mustache liquid eta vue svelte ";

static struct str base_of(struct str path)
{
    while (str_index(path, '/') >= 0)
        path = str_sub(path, (size_t)str_index(path, '/') + 1, path.len);
    return path;
}

/* One pattern against a path; a pattern without a slash against each name in it. */
static bool matches(struct str pattern, struct str path)
{
    char p[NAME_MAX + 1], text[PATH_MAX];
    int flags = FNM_PATHNAME | FNM_LEADING_DIR;
    struct str rest = path;

    if (str_starts(pattern, STR("./")))
        pattern = str_sub(pattern, 2, pattern.len);
    while (str_ends(pattern, STR("/")))
        pattern.len--;
    if (pattern.len == 0 || pattern.len >= sizeof(p) || path.len >= sizeof(text))
        return false;
    str_to_cstr(pattern, p, sizeof(p));
    if (strstr(p, "**"))
        flags = FNM_LEADING_DIR;
    if (str_index(pattern, '/') >= 0) {
        str_to_cstr(path, text, sizeof(text));
        return fnmatch(p, text, flags) == 0;
    }
    while (rest.ptr) {
        str_to_cstr(str_cut(rest, '/', &rest), text, sizeof(text));
        if (fnmatch(p, text, 0) == 0)
            return true;
    }
    return false;
}

static bool is_ignored(const struct watch_rules *r, struct str path)
{
    for (struct str rest = r->ignore; rest.ptr && rest.len;)
        if (matches(str_trim(str_cut(rest, ',', &rest)), path))
            return true;
    return false;
}

bool watch_rules_folder(const struct watch_rules *r, struct str path)
{
    struct str name = base_of(path);

    return name.len && name.ptr[0] != '.' && !str_eq(name, STR("node_modules")) &&
           !is_ignored(r, path);
}

bool watch_rules_file(const struct watch_rules *r, struct str path)
{
    struct str name = base_of(path), ending = name, rest;
    char word[16];
    int n;

    if (str_starts(name, STR(".env")))
        return !is_ignored(r, path);
    if (name.len == 0 || name.ptr[0] == '.' || name.ptr[0] == '#' || str_ends(name, STR("~")))
        return false;
    if (str_index(name, '.') < 0)
        return false;
    while (str_index(ending, '.') >= 0)
        str_cut(ending, '.', &rest), ending = rest;
    n = snprintf(word, sizeof(word), " %.*s ", STR_ARG(ending));
    return n > 2 && (size_t)n < sizeof(word) && strstr(endings, word) && !is_ignored(r, path);
}

u64 watch_rules_due_ns(u64 first_ns, u64 last_ns, u64 delay_ns)
{
    return min(last_ns + delay_ns, first_ns + max(SERIES_MAX_NS, delay_ns));
}
