/* app/launch.c -- what `fettle run TARGET` starts */
#include "app/launch.h"

#include "app/npm_env.h"
#include "app/path.h"
#include "app/script.h"
#include "conf/package_json.h"
#include "conf/words.h"

#include <limits.h>
#include <sys/stat.h>

enum { SCRIPTS_DEEP_MAX = 8 };

struct resolve {
    struct launch *out;
    const struct launch_ask *ask;
    struct problem *problem;
    struct str folder;              /* the package's, absolute */
    const struct package_json *pkg; /* or NULL */
    u32 deep;                       /* scripts that led here */
    bool args_taken;                /* the app's arguments stand in the command already */
};

void launch_done(struct launch *l)
{
    strings_done(&l->argv);
    strings_done(&l->env);
    strings_done(&l->pre);
    buf_done(&l->cwd);
    buf_done(&l->name);
    buf_done(&l->what);
}

static bool failed(const struct launch *l)
{
    return l->argv.bytes.failed || l->env.bytes.failed || l->pre.bytes.failed || l->cwd.failed ||
           l->name.failed || l->what.failed;
}

/* node, and the flags of --node-args. */
static int node_add(struct resolve *r)
{
    struct launch *l = r->out;
    enum words_kind kind;
    u32 count;

    strings_add(&l->argv, STR("node"));
    kind = words_split(r->ask->node_args, &l->argv.bytes, &count);
    l->argv.count += count;
    l->is_node = true;
    if (kind == WORDS_OPEN)
        return problem_set(r->problem, "node-args: a quote is not closed in \"%.*s\"",
                           STR_ARG(str_sub(r->ask->node_args, 0, 200)));
    return 0;
}

static void app_args_add(struct resolve *r)
{
    for (char *const *arg = r->ask->app_args; arg && *arg && !r->args_taken; arg++)
        strings_add(&r->out->argv, str_of(*arg));
}

/* At most 47 bytes (shm/layout.h), cut between characters; control characters become '-'. */
static void name_set(struct launch *l, struct str name)
{
    size_t len = min(name.len, (size_t)47);

    while (len && len < name.len && ((u8)name.ptr[len] & 0xc0) == 0x80)
        len--;
    buf_clear(&l->name);
    for (size_t i = 0; i < len; i++)
        buf_addc(&l->name, (u8)name.ptr[i] < 32 || name.ptr[i] == 127 ? '-' : name.ptr[i]);
    buf_addc(&l->name, 0);
}

static void what_set(struct launch *l, const char *before, struct str what, const char *after)
{
    buf_clear(&l->what);
    buf_addf(&l->what, "%s%.*s%s", before, STR_ARG(what), after);
    buf_addc(&l->what, 0);
}

int launch_hosts(struct launch *out, struct str folder)
{
    launch_done(out);
    *out = (struct launch){ .is_hosts = true };
    strings_add(&out->argv, STR("hosts"));
    name_set(out, path_base(folder));
    what_set(out, "", STR("hosts"), "");
    return failed(out) ? -ENOMEM : 0;
}

bool launch_package_find(struct str folder, struct buf *path)
{
    for (;;) {
        path_join(path, folder, STR("package.json"));
        if (path->failed)
            return false;
        if (path_is(path->ptr, S_IFREG))
            return true;
        if (folder.len <= 1)
            return false;
        folder = path_folder(folder);
    }
}

/* The name of the package around a file; what is wrong with that package.json is node's to say. */
static void name_of_file(struct launch *l, const char *file)
{
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    AUTO(buf_done) struct buf path = { 0 };
    AUTO(freep) char *real = realpath(file, NULL);
    struct problem ignored;
    struct str name = { 0 };
    ptrdiff_t dot;

    if (real && launch_package_find(path_folder(str_of(real)), &path) &&
        package_json_read(&pkg, path.ptr, &ignored) == 0)
        name = package_json_name(pkg);
    if (name.len == 0) {
        name = path_base(str_of(file));
        dot = str_index(name, '.');
        if (dot > 0)
            name.len = (size_t)dot;
    }
    name_set(l, name);
}

/* A file that node runs: by its ending, by its first line, or (bin/www) with neither. */
static int file_check(struct resolve *r, const char *path)
{
    AUTO(strings_done) struct strings first = { 0 };
    struct str name = path_base(str_of(path));
    u32 flags;

    if (path_is_js(name, &r->out->typescript))
        return 0;
    path_shebang(path, &first);
    if (first.count ? path_shebang_is_node(&first, &flags) : str_index(name, '.') < 0)
        return 0;
    return problem_set(r->problem,
                       "%s is not JavaScript by its ending (.js, .mjs, .cjs, .ts, .mts, .cts) or "
                       "its first line (#!/usr/bin/env node); name the file that node is to run, a "
                       "folder with a package.json, or npm:SCRIPT",
                       path);
}

static int file_launch(struct resolve *r, const char *path, struct str shown)
{
    struct launch *l = r->out;
    int err = file_check(r, path);

    if (!err)
        err = node_add(r);
    if (err)
        return err;
    /* As it was written, when node is started here: that is how people look for it in ps. */
    strings_add(&l->argv, r->ask->cwd.len || r->folder.len ? str_of(path) : shown);
    app_args_add(r);
    name_of_file(l, path);
    what_set(l, "", shown, "");
    return 0;
}

static void script_env_add(struct resolve *r, struct str name, struct str text)
{
    npm_env_add(&r->out->env, &(struct npm_script){ .folder = r->folder,
                                                    .pkg = r->pkg,
                                                    .name = name,
                                                    .text = text,
                                                    .here = r->ask->here,
                                                    .path = r->ask->path,
                                                    .node_path = r->ask->node_path });
}

/* Through /bin/sh, as npm does: the arguments are appended, quoted. */
static void shell_launch(struct resolve *r, struct str text)
{
    AUTO(buf_done) struct buf command = { 0 };
    struct launch *l = r->out;

    buf_add(&command, text);
    for (char *const *arg = r->ask->app_args; arg && *arg && !r->args_taken; arg++) {
        buf_addc(&command, ' ');
        words_quote(str_of(*arg), &command);
    }
    strings_add(&l->argv, STR("/bin/sh"));
    strings_add(&l->argv, STR("-c"));
    strings_add(&l->argv, buf_str(&command));
    l->argv.bytes.failed |= command.failed;
    l->is_node = false;
}

/* A program that is known to run something else than JavaScript for Node. */
static bool program_is_other(const struct script *s)
{
    static const char *const others[] = { "python", "python2", "python3", "ruby", "php", "perl",
                                          "java",   "dotnet",  "deno",    "bun",  "go" };
    struct str name;

    if (s->kind != SCRIPT_PROGRAM || s->words.count == 0)
        return false;
    name = path_base(strings_at(&s->words, 0));
    for (u32 i = 0; i < ARRAY_LEN(others); i++)
        if (str_eq(name, str_of(others[i])))
            return true;
    return false;
}

static int script_launch(struct resolve *r, struct str name);

static int kind_launch(struct resolve *r, const struct script *s, struct str name, struct str text)
{
    AUTO(strings_done) struct strings flags = { 0 };
    AUTO(buf_done) struct buf path = { 0 };
    struct strings *argv = &r->out->argv;
    int err = 0;

    switch (s->kind) {
    case SCRIPT_NODE:
        err = node_add(r);
        strings_add_from(argv, &s->words, 1);
        break;
    case SCRIPT_PACKAGE:
        strings_add_from(&r->out->env, &s->env, 0);
        return script_launch(r, strings_at(&s->words, 0));
    case SCRIPT_FETTLE:
        return problem_set(r->problem,
                           "the script \"%.*s\" is \"%.*s\", which starts fettle itself; give "
                           "fettle the file that node is to run",
                           STR_ARG(str_sub(name, 0, 80)), STR_ARG(str_sub(text, 0, 200)));
    case SCRIPT_PROGRAM:
        if (npm_env_bin(r->folder, strings_at(&s->words, 0), &path, &flags)) {
            err = node_add(r);
            strings_add_from(argv, &flags, 0);
            strings_add(argv, buf_str(&path));
            strings_add_from(argv, &s->words, 1);
            break;
        }
        r->out->is_side = r->ask->is_side || program_is_other(s);
        if (r->out->is_side && r->ask->node_args.len == 0) {
            strings_add_from(argv, &s->words, 0); /* no shell is needed for plain words */
            break;
        }
        /* fall through */
    case SCRIPT_SHELL:
        shell_launch(r, text);
        r->out->is_side |= r->ask->is_side;
        if (r->ask->node_args.len)
            return problem_set(r->problem,
                               "node-args: the script \"%.*s\" is started by a shell, which "
                               "cannot be given flags for node; write them into the script, or "
                               "set NODE_OPTIONS",
                               STR_ARG(str_sub(name, 0, 80)));
        return 0;
    }
    strings_add_from(&r->out->env, &s->env, 0);
    app_args_add(r);
    return err;
}

static int script_missing(struct resolve *r, struct str name)
{
    AUTO(buf_done) struct buf names = { 0 };
    struct str nearest = package_json_script_nearest(r->pkg, name);

    package_json_script_names(r->pkg, 20, &names);
    problem_set(r->problem, "%.*s/package.json has no script \"%.*s\"%s%.*s%s%s%.*s",
                STR_ARG(str_sub(r->folder, 0, 200)), STR_ARG(str_sub(name, 0, 80)),
                nearest.len ? "; did you mean npm:" : "", STR_ARG(nearest), nearest.len ? "?" : ".",
                names.len ? " It has: " : " It has none at all.",
                STR_ARG(str_sub(buf_str(&names), 0, 300)));
    return -ENOENT;
}

/* The script `name` of the package, with npm's own default for "start". */
static int script_launch(struct resolve *r, struct str name)
{
    AUTO(script_done) struct script script = { 0 };
    AUTO(buf_done) struct buf path = { 0 };
    AUTO(buf_done) struct buf pre = { 0 };
    struct str text = package_json_script(r->pkg, name);
    int err;

    if (r->deep++ == SCRIPTS_DEEP_MAX)
        return problem_set(r->problem,
                           "the scripts of %.*s/package.json call each other in a circle",
                           STR_ARG(str_sub(r->folder, 0, 200)));
    if (text.len == 0 && str_eq(name, STR("start")) &&
        path_is(path_join(&path, r->folder, STR("server.js")), S_IFREG))
        text = STR("node server.js");
    if (text.len == 0)
        return script_missing(r, name);
    buf_addf(&pre, "pre%.*s", STR_ARG(name));
    if (package_json_script(r->pkg, buf_str(&pre)).len)
        strings_add(&r->out->pre, package_json_script(r->pkg, buf_str(&pre)));
    err = script_parse(&script, text);
    if (err)
        return err;
    if (script.kind != SCRIPT_PACKAGE)
        script_env_add(r, name, text);
    if (r->deep == 1) {
        what_set(r->out, "npm:", name, "");
        r->out->what.len--;
        buf_addf(&r->out->what, " (%.*s)", STR_ARG(str_sub(text, 0, 200)));
        buf_addc(&r->out->what, 0);
    }
    return kind_launch(r, &script, name, text);
}

/* The file of `main` as require() finds it, or the first of the usual names. */
static bool main_find(struct resolve *r, struct buf *path)
{
    static const char *const usual[] = { "index", "server", "app" };
    struct str main = r->pkg ? package_json_main(r->pkg) : (struct str){ 0 };

    if (main.len) {
        path_join(path, r->folder, main);
        if (path_find_js(path))
            return true;
        buf_add(path, STR("/index"));
        buf_addc(path, 0);
        path->len -= !path->failed;
        if (path_find_js(path))
            return true;
    }
    for (u32 i = 0; i < ARRAY_LEN(usual); i++) {
        path_join(path, r->folder, str_of(usual[i]));
        if (path_find_js(path))
            return true;
    }
    return false;
}

static void folder_use(struct resolve *r)
{
    struct launch *l = r->out;
    struct str name = r->pkg ? package_json_name(r->pkg) : (struct str){ 0 };

    if (r->ask->cwd.len == 0) {
        buf_add(&l->cwd, r->folder);
        buf_addc(&l->cwd, 0);
    }
    name_set(l, name.len ? name : path_base(r->folder));
}

static int main_launch(struct resolve *r)
{
    AUTO(buf_done) struct buf path = { 0 };
    struct str main = r->pkg ? package_json_main(r->pkg) : (struct str){ 0 };
    int err;

    if (main_find(r, &path)) {
        err = file_launch(r, path.ptr, buf_str(&path));
        if (!err)
            folder_use(r);
        return err;
    }
    if (!r->pkg)
        problem_set(r->problem,
                    "%.*s has no package.json and no index.js, server.js or app.js; name the file "
                    "that node is to run, as in: fettle run server.js",
                    STR_ARG(str_sub(r->folder, 0, 300)));
    else if (main.len)
        problem_set(r->problem,
                    "%.*s/package.json has no scripts.start, and its main (%.*s) does not exist, "
                    "nor does index.js, server.js or app.js; is a build step missing?",
                    STR_ARG(str_sub(r->folder, 0, 300)), STR_ARG(str_sub(main, 0, 100)));
    else
        problem_set(r->problem,
                    "%.*s/package.json has neither scripts.start nor main, and there is no "
                    "index.js, server.js or app.js; name the file that node is to run",
                    STR_ARG(str_sub(r->folder, 0, 300)));
    return -ENOENT;
}

/* A start script that runs `fettle run` is how people use fettle; then main is meant. */
static bool start_is_fettle(const struct package_json *pkg)
{
    AUTO(script_done) struct script s = { 0 };

    return script_parse(&s, package_json_script(pkg, STR("start"))) == 0 && s.kind == SCRIPT_FETTLE;
}

static int folder_launch(struct resolve *r)
{
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    AUTO(buf_done) struct buf path = { 0 };
    int err = package_json_read(&pkg, path_join(&path, r->folder, STR("package.json")), r->problem);

    if (err && err != -ENOENT)
        return err;
    r->pkg = pkg;
    if (pkg && package_json_script(pkg, STR("start")).len && !start_is_fettle(pkg)) {
        folder_use(r);
        err = script_launch(r, STR("start"));
    } else {
        err = main_launch(r);
    }
    r->pkg = NULL;
    return err;
}

static int npm_launch(struct resolve *r, struct str name)
{
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    AUTO(buf_done) struct buf path = { 0 };
    struct str here = r->ask->cwd.len ? r->ask->cwd : str_of(r->ask->here);
    int err;

    if (name.len == 0)
        return problem_set(r->problem, "the script's name is missing; write npm:start");
    if (!launch_package_find(here, &path)) {
        problem_set(r->problem, "npm:%.*s: there is no package.json in %.*s or any folder above it",
                    STR_ARG(str_sub(name, 0, 80)), STR_ARG(str_sub(here, 0, 300)));
        return path.failed ? -ENOMEM : -ENOENT;
    }
    err = package_json_read(&pkg, path.ptr, r->problem);
    if (err)
        return err;
    r->pkg = pkg;
    r->folder = path_folder(buf_str(&path));
    folder_use(r);
    err = script_launch(r, name);
    r->pkg = NULL;
    return err;
}

/* `text` as if it were a script of the package here or above, or of none. */
static int command_launch(struct resolve *r, struct str text)
{
    AUTO(script_done) struct script script = { 0 };
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    AUTO(buf_done) struct buf path = { 0 };
    struct str here = r->ask->cwd.len ? r->ask->cwd : str_of(r->ask->here);
    int err = script_parse(&script, text);

    if (!err && launch_package_find(here, &path)) {
        err = package_json_read(&pkg, path.ptr, r->problem);
        r->folder = path_folder(buf_str(&path));
    } else if (!err) {
        r->folder = here;
    }
    if (err)
        return err;
    r->pkg = pkg;
    name_set(r->out, pkg && package_json_name(pkg).len ? package_json_name(pkg) : path_base(here));
    what_set(r->out, "", str_sub(text, 0, 200), "");
    if (script.kind == SCRIPT_PACKAGE && !pkg) {
        problem_set(r->problem, "\"%.*s\" runs a script of package.json, and there is none in %.*s",
                    STR_ARG(str_sub(text, 0, 200)), STR_ARG(str_sub(here, 0, 300)));
        return -ENOENT;
    }
    if (script.kind != SCRIPT_PACKAGE)
        npm_env_path(&r->out->env, r->folder, r->ask->path);
    err = kind_launch(r, &script, text, text);
    r->pkg = NULL;
    return err;
}

/* A target that is no file for node: a program, as pm2's script may be. */
static int program_launch(struct resolve *r, struct str program)
{
    AUTO(buf_done) struct buf text = { 0 };

    *r->problem = (struct problem){ 0 };
    words_quote(program, &text);
    for (char *const *arg = r->ask->app_args; arg && *arg; arg++) {
        buf_addc(&text, ' ');
        words_quote(str_of(*arg), &text);
    }
    r->args_taken = true;
    return text.failed ? -ENOMEM : command_launch(r, buf_str(&text));
}

static int target_missing(struct resolve *r, const char *target)
{
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    AUTO(buf_done) struct buf path = { 0 };
    struct problem ignored;
    bool is_script = launch_package_find(str_of(r->ask->here), &path) &&
                     package_json_read(&pkg, path.ptr, &ignored) == 0 &&
                     package_json_script(pkg, str_of(target)).len;

    problem_set(r->problem, "there is no file or folder \"%.200s\" in %.200s; %s%.100s", target,
                r->ask->here,
                is_script ? "for the script of that name in package.json, write npm:"
                          : "name the file that node is to run, a folder with a package.json, or "
                            "npm:SCRIPT",
                is_script ? target : "");
    return -ENOENT;
}

static int path_launch(struct resolve *r, const char *target)
{
    AUTO(buf_done) struct buf path = { 0 };
    AUTO(freep) char *real = NULL;
    size_t shown_at;

    path_join(&path, str_of(r->ask->here), str_of(target));
    if (path.failed)
        return -ENOMEM;
    shown_at = path.len - strlen(target);
    if (path_is(path.ptr, S_IFDIR)) {
        real = realpath(path.ptr, NULL);
        if (!real)
            return problem_set(r->problem, "%s: %s", path.ptr, strerror(errno));
        r->folder = str_of(real);
        return folder_launch(r);
    }
    if (path_find_js(&path)) {
        if (access(path.ptr, R_OK) != 0)
            return problem_set(r->problem, "%s cannot be read: %s", path.ptr, strerror(errno));
        if (r->ask->may_be_program && file_check(r, path.ptr) != 0)
            return program_launch(r, buf_str(&path));
        return file_launch(r, path.ptr, str_sub(buf_str(&path), shown_at, path.len));
    }
    if (r->ask->may_be_program)
        return program_launch(r, str_of(target));
    if (access(path.ptr, F_OK) == 0)
        return problem_set(r->problem, "%s is neither a file nor a folder", path.ptr);
    if (errno != ENOENT && errno != ENOTDIR)
        return problem_set(r->problem, "%s: %s", path.ptr, strerror(errno));
    return target_missing(r, target);
}

int launch_resolve(struct launch *out, const struct launch_ask *ask, struct problem *p)
{
    struct resolve r = { .out = out, .ask = ask, .problem = p };
    int err;

    *out = (struct launch){ 0 };
    *p = (struct problem){ 0 };
    if (ask->cwd.len) {
        buf_add(&out->cwd, ask->cwd);
        buf_addc(&out->cwd, 0);
    }
    if (ask->command)
        err = command_launch(&r, str_of(ask->command));
    else if (!ask->target)
        err = path_launch(&r, ask->cwd.len ? ask->cwd.ptr : ".");
    else if (str_starts(str_of(ask->target), STR("npm:")))
        err = npm_launch(&r, str_of(ask->target + 4));
    else
        err = path_launch(&r, ask->target);
    return err ? err : failed(out) ? -ENOMEM : 0;
}
