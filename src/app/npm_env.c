/* app/npm_env.c -- what npm gives a script of a package: its environment, and the programs of
 * packages */
#include "app/npm_env.h"

#include "app/path.h"

void npm_env_path(struct strings *env, struct str folder, const char *search)
{
    AUTO(buf_done) struct buf path = { 0 };
    AUTO(buf_done) struct buf bin = { 0 };

    for (;;) {
        path_join(&bin, folder, STR("node_modules/.bin"));
        buf_add(&path, buf_str(&bin));
        buf_addc(&path, ':');
        if (folder.len <= 1)
            break;
        folder = path_folder(folder);
    }
    buf_add(&path, str_of(search));
    strings_addf(env, "PATH=%.*s", STR_ARG(buf_str(&path)));
    env->bytes.failed |= path.failed || bin.failed;
}

void npm_env_add(struct strings *env, const struct npm_script *s)
{
    struct str version = package_json_version(s->pkg);

    npm_env_path(env, s->folder, s->path);
    strings_addf(env, "INIT_CWD=%s", s->here);
    strings_addf(env, "npm_command=run-script");
    strings_addf(env, "npm_lifecycle_event=%.*s", STR_ARG(s->name));
    strings_addf(env, "npm_lifecycle_script=%.*s", STR_ARG(s->text));
    strings_addf(env, "npm_package_json=%.*s/package.json",
                 STR_ARG(s->folder.len > 1 ? s->folder : STR("")));
    strings_addf(env, "npm_package_name=%.*s", STR_ARG(package_json_name(s->pkg)));
    if (version.len)
        strings_addf(env, "npm_package_version=%.*s", STR_ARG(version));
    strings_addf(env, "npm_node_execpath=%s", s->node_path);
    strings_addf(env, "NODE=%s", s->node_path);
}

bool npm_env_bin(struct str folder, struct str program, struct buf *path, struct strings *flags)
{
    AUTO(strings_done) struct strings first = { 0 };
    AUTO(buf_done) struct buf name = { 0 };
    bool typescript = false;
    char *real = NULL;
    u32 after;

    if (str_index(program, '/') >= 0)
        return false;
    buf_addf(&name, "node_modules/.bin/%.*s", STR_ARG(program));
    for (;; folder = path_folder(folder)) {
        real = realpath(path_join(path, folder, buf_str(&name)), NULL);
        if (real || folder.len <= 1)
            break;
    }
    if (!real)
        return false;
    path_join(path, STR(""), str_of(real));
    free(real);
    path_shebang(path->ptr, &first);
    if (first.count == 0)
        return path_is_js(buf_str(path), &typescript) && !typescript;
    if (!path_shebang_is_node(&first, &after))
        return false;
    strings_add_from(flags, &first, after);
    return true;
}
