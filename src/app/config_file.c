/* app/config_file.c -- the files in which settings stand */
#include "app/config_file.h"

#include "app/evaluate.h"
#include "app/launch.h"
#include "app/node.h"
#include "app/path.h"
#include "conf/cpus.h"
#include "conf/file.h"
#include "conf/package_json.h"
#include "conf/pm2.h"
#include "conf/procfile.h"

#include <limits.h>
#include <sys/stat.h>

static const char *const names[] = {
    "fettle.json", "fettle.config.js", "fettle.config.cjs", "fettle.config.mjs", "fettle.config.ts",
};

struct load {
    struct config_file *out;
    struct settings *settings;
    const struct config_file *all; /* loaded before, for all apps; NULL: not yet */
    const char *target;
    const char *here; /* the current folder, absolute */
    struct buf path;  /* of the file, absolute; empty: none */
    struct buf start; /* the folder of the app, absolute */
    struct problem *problem;
};

void config_file_done(struct config_file *f)
{
    config_app_done(&f->app);
    findings_done(&f->findings);
    buf_done(&f->path);
    buf_done(&f->folder);
    strings_done(&f->chosen);
    json_value_freep(&f->document);
}

static bool is_ours(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

static bool is_procfile(struct str name)
{
    return str_eq(name, STR("Procfile")) || str_starts(name, STR("Procfile."));
}

/* By the names that pm2 takes for its files: what ends in .config.js, and any JSON or YAML. */
bool config_file_is(struct str name)
{
    static const char *const endings[] = { ".config.js", ".config.cjs", ".config.mjs",
                                           ".json",      ".yml",        ".yaml" };

    if (is_ours(name) || is_procfile(name))
        return true;
    for (u32 i = 0; i < ARRAY_LEN(endings); i++)
        if (str_ends(name, str_of(endings[i])))
            return !str_eq(name, STR("package.json"));
    return false;
}

/* The one of our files that `folder` holds, in `path`. -ENOENT: none; -EINVAL: two. */
static int find_in(struct load *l, struct str folder, struct buf *path)
{
    AUTO(buf_done) struct buf other = { 0 };
    const char *first = NULL;

    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        if (!path_is(path_join(&other, folder, str_of(names[i])), S_IFREG))
            continue;
        if (first)
            return problem_set(
                l->problem,
                "%.*s has both %s and %s, and only one may hold the settings; remove "
                "one, or name one with --config",
                STR_ARG(str_sub(folder, 0, 300)), first, names[i]);
        first = names[i];
    }
    if (first)
        path_join(path, folder, str_of(first));
    return other.failed || path->failed ? -ENOMEM : first ? 0 : -ENOENT;
}

/* The folder of the app, before anything is known of it but TARGET and --cwd. */
static void start_find(struct load *l)
{
    AUTO(buf_done) struct buf path = { 0 };
    const char *target = l->target;
    struct str cwd = l->settings->cwd;

    if (!target || str_starts(str_of(target), STR("npm:")))
        target = cwd.len ? cwd.ptr : ".";
    path_join(&path, str_of(l->here), str_of(target));
    if (!path_is(path.failed ? "" : path.ptr, S_IFDIR) && !path.failed)
        path.len = path_folder(buf_str(&path)).len;
    AUTO(freep) char *copy = str_dup(buf_str(&path));
    AUTO(freep) char *real = copy ? realpath(copy, NULL) : NULL;

    buf_add(&l->start, real ? str_of(real) : str_of(l->here));
    buf_addc(&l->start, 0);
    l->start.len -= !l->start.failed;
}

/* Fills l->path when there is a file. */
static int file_find(struct load *l)
{
    struct str config = l->settings->config;
    AUTO(buf_done) struct buf package = { 0 };
    int err;

    if (l->target && config_file_is(path_base(str_of(l->target))) &&
        path_is(path_join(&l->path, str_of(l->here), str_of(l->target)), S_IFREG)) {
        l->out->is_target = true;
        if (config.len == 0)
            return 0;
        return problem_set(l->problem,
                           "both --config (%.*s) and %.200s are files of settings; name one",
                           STR_ARG(str_sub(config, 0, 200)), l->target);
    }
    buf_clear(&l->path);
    if (config.len) {
        if (path_is(path_join(&l->path, str_of(l->here), config), S_IFREG))
            return 0;
        problem_set(l->problem, "--config: there is no file \"%.*s\" in %.300s",
                    STR_ARG(str_sub(config, 0, 200)), l->here);
        return -ENOENT;
    }
    err = find_in(l, buf_str(&l->start), &l->path);
    if (err == -ENOENT && launch_package_find(buf_str(&l->start), &package))
        err = find_in(l, path_folder(buf_str(&package)), &l->path);
    return err == -ENOENT ? 0 : err;
}

/* What a path is called before people: without the current folder. */
static struct str shown_path(const struct load *l, struct str path)
{
    struct str here = str_of(l->here);

    if (str_starts(path, here) && path.len > here.len && path.ptr[here.len] == '/')
        return str_sub(path, here.len + 1, path.len);
    return path;
}

/* What --app or --only say: "shop", "shop,jobs". */
static struct str wanted_of(const struct load *l)
{
    return l->settings->app.len ? l->settings->app : l->settings->only;
}

static struct config_from from_of(const struct load *l, const char *shown, struct str folder)
{
    struct str wanted = wanted_of(l);
    bool one = l->all || str_index(wanted, ',') < 0;

    return (struct config_from){ .file = shown,
                                 .folder = folder,
                                 .app = one ? wanted : (struct str){ 0 },
                                 .several = l->all != NULL,
                                 .env = l->settings->env_name,
                                 .cpus = cpus_allowed() };
}

/* The key `fettle`. That a package.json cannot be read is for those to say who need it. */
static int package_read(struct load *l)
{
    AUTO(package_json_freep) struct package_json *pkg = NULL;
    AUTO(buf_done) struct buf path = { 0 };
    struct config_from from;
    struct problem ignored;
    int err;

    if (!launch_package_find(buf_str(&l->start), &path))
        return path.failed ? -ENOMEM : 0;
    err = package_json_read(&pkg, path.ptr, &ignored);
    if (err || !package_json_settings(pkg))
        return err == -ENOMEM ? err : 0;
    from = from_of(l, shown_path(l, buf_str(&path)).ptr, path_folder(buf_str(&path)));
    from.package = true;
    l->out->has_package = true;
    buf_add(&l->out->folder, from.folder);
    return config_read(package_json_settings(pkg), &from, l->settings, &l->out->app,
                       &l->out->findings);
}

/* The node that is to run the app runs its file of settings too. */
static int node_for(struct load *l, struct buf *node, bool typescript, bool *flag)
{
    const char *path = getenv("PATH");
    struct node_version v;
    int err = node_find(l->settings->node, str_of(path ? path : ""), node, l->problem);

    *flag = false;
    if (err || !typescript || node_has_loader(str_of(getenv("NODE_OPTIONS"))) ||
        node_version_of(node->ptr, &v))
        return err;
    switch (node_typescript(v)) {
    case NODE_TS_YES:
        break;
    case NODE_TS_FLAG:
        *flag = true;
        break;
    case NODE_TS_NO:
        return problem_set(l->problem,
                           "is TypeScript, which node %u.%u.%u (%s) cannot run by itself; use "
                           "Node 22.6 or later, or write it as fettle.config.mjs",
                           v.major, v.minor, v.patch, node->ptr);
    }
    return 0;
}

static int evaluate(struct load *l, const char *shown, bool expression, struct json_value **answer)
{
    AUTO(buf_done) struct buf node = { 0 };
    AUTO(buf_done) struct buf said = { 0 };
    bool typescript = false, flag;
    int err;

    path_is_js(buf_str(&l->path), &typescript);
    err = node_for(l, &node, typescript, &flag);
    if (!err)
        err = evaluate_file(&(struct evaluate_ask){ .node = node.ptr,
                                                    .file = l->path.ptr,
                                                    .shown = shown,
                                                    .expression = expression,
                                                    .typescript = flag },
                            answer, &said, l->problem);
    /* What the file itself has to say goes where its author expects it. */
    if (!err && said.len && fwrite(said.ptr, 1, said.len, stderr) != said.len)
        return 0;
    return err;
}

static int text_read(struct load *l, struct buf *text)
{
    int err = file_read(l->path.ptr, CONFIG_BYTES_MAX, text);

    if (err == -EFBIG)
        return problem_set(l->problem, "is larger than 1 MiB");
    return err && err != -ENOMEM ? problem_set(l->problem, "cannot be read: %s", strerror(-err))
                                 : err;
}

/* Reads the document, and says which part of it is the value. */
static int document_read(struct load *l, const char *shown, struct json_value **document,
                         const struct json_value **value)
{
    struct str name = path_base(buf_str(&l->path));
    AUTO(buf_done) struct buf text = { 0 };
    bool ignored, expression = false;
    int err;

    if (str_ends(name, STR(".yml")) || str_ends(name, STR(".yaml")))
        return problem_set(l->problem, "is YAML, which fettle does not read; write it as JSON");
    if (!path_is_js(name, &ignored)) {
        err = text_read(l, &text);
        if (err)
            return err;
        err = json_value_parse(document, buf_str(&text), shown, l->problem);
        *value = *document;
        /* pm2 takes its JSON for JavaScript, with comments. */
        expression = err == -EINVAL && !is_ours(name) && str_ends(name, STR(".json"));
        if (!expression)
            return err;
    }
    err = evaluate(l, shown, expression, document);
    *value = err ? NULL : json_value_member(*document, "value");
    return err;
}

static int pm2_take(struct load *l, const struct json_value *value, struct config_from *from)
{
    from->folder = str_of(l->here); /* as with pm2 */
    return pm2_read(value, from, l->settings, &l->out->app, &l->out->findings);
}

/* What package.json said of what to run gives way to what the file says of it. */
static void app_replace(struct config_app *app, struct config_app *package)
{
    if (!app->run.len && !app->command.len) {
        app->run = TAKE(package->run, (struct buf){ 0 });
        app->command = TAKE(package->command, (struct buf){ 0 });
        app->is_side = package->is_side;
    }
    if (!app->args.count)
        app->args = TAKE(package->args, (struct strings){ 0 });
    strings_add_from(&package->env, &app->env, 0);
    strings_done(&app->env);
    app->env = TAKE(package->env, (struct strings){ 0 });
    app->found |= package->found;
    config_app_done(package);
}

static int procfile_take(struct load *l, const struct config_from *from)
{
    AUTO(buf_done) struct buf text = { 0 };
    int err = text_read(l, &text);

    return err ? err
               : procfile_read(buf_str(&text), from, l->settings, &l->out->app, &l->out->findings);
}

static int document_take(struct load *l)
{
    AUTO(config_app_done) struct config_app package = TAKE(l->out->app, (struct config_app){ 0 });
    struct config_file *out = l->out;
    struct str name = path_base(buf_str(&l->path));
    const struct json_value *value = l->all ? l->all->value : NULL;
    struct config_from from;
    int err = 0;

    buf_add(&out->path, shown_path(l, buf_str(&l->path)));
    buf_addc(&out->path, 0);
    if (out->path.failed)
        return -ENOMEM;
    from = from_of(l, out->path.ptr, path_folder(buf_str(&l->path)));
    if (is_procfile(name))
        err = procfile_take(l, &from);
    else if (!l->all)
        err = document_read(l, out->path.ptr, &out->document, &value);
    if (!l->all)
        out->value = value;
    if (!err && value && !is_ours(name) &&
        (pm2_is(value) || str_starts(name, STR("ecosystem.")) || str_starts(name, STR("pm2.")) ||
         str_starts(name, STR("process."))))
        err = pm2_take(l, value, &from);
    else if (!err && value)
        err = config_read(value, &from, l->settings, &out->app, &out->findings);
    if (err == -EINVAL) {
        struct str where = shown_path(l, str_of(l->problem->file));
        AUTO(freep) char *shown = str_dup(where.len ? where : buf_str(&out->path));

        str_to_cstr(str_of(shown), l->problem->file, sizeof(l->problem->file));
        findings_put(&out->findings, FINDING_MISTAKE, l->problem);
        err = 0;
    }
    buf_clear(&out->folder);
    buf_add(&out->folder, from.folder);
    app_replace(&out->app, &package);
    return err;
}

static void app_check(struct load *l, struct str wanted)
{
    struct config_app *app = &l->out->app;
    const char *file = l->out->path.len ? l->out->path.ptr : "";

    if (app->found || strings_has(&app->all, wanted) || l->out->findings.of[FINDING_MISTAKE])
        return;
    if (app->names.len)
        findings_add(&l->out->findings, FINDING_MISTAKE, file, 0,
                     "there is no app \"%.*s\"; there are: %.*s", STR_ARG(str_sub(wanted, 0, 80)),
                     STR_ARG(str_sub(buf_str(&app->names), 0, 400)));
    else
        findings_add(&l->out->findings, FINDING_MISTAKE, file, 0,
                     "--app: there is no app \"%.*s\", since no file with `apps` was found",
                     STR_ARG(str_sub(wanted, 0, 80)));
}

/* That the apps which --app names are there; and which are to run. */
static void apps_choose(struct load *l)
{
    struct strings *chosen = &l->out->chosen;
    struct str wanted = wanted_of(l), one;
    bool several = str_index(wanted, ',') >= 0;

    if (wanted.len == 0 && l->out->app.choose)
        strings_add_from(chosen, &l->out->app.all, 0);
    for (struct str rest = wanted; wanted.len && rest.ptr;) {
        one = str_trim(str_cut(rest, ',', &rest));
        if (one.len == 0 || strings_has(chosen, one))
            continue;
        app_check(l, one);
        if (several)
            strings_add(chosen, one);
    }
}

static int load(struct load *l)
{
    struct config_file *out = l->out;
    char here[PATH_MAX];
    int err;

    *out = (struct config_file){ 0 };
    *l->problem = (struct problem){ 0 };
    if (!getcwd(here, sizeof(here)))
        return problem_set(l->problem, "the current folder cannot be read: %s", strerror(errno));
    l->here = here;
    start_find(l);
    err = file_find(l);
    if (!err)
        err = l->start.failed || l->path.failed ? -ENOMEM : package_read(l);
    if (!err && l->path.len)
        err = document_take(l);
    if (!err && !l->all)
        apps_choose(l);
    buf_addc(&out->folder, 0);
    out->folder.len -= !out->folder.failed;
    buf_done(&l->path);
    buf_done(&l->start);
    if (!err && (out->folder.failed || out->findings.failed || out->chosen.bytes.failed))
        err = -ENOMEM;
    return err;
}

int config_file_load(struct config_file *out, struct settings *s, const char *target,
                     struct problem *p)
{
    return load(&(struct load){ .out = out, .settings = s, .target = target, .problem = p });
}

int config_file_load_app(struct config_file *out, struct settings *s, const char *target,
                         const struct config_file *all, struct str app, struct problem *p)
{
    int err = settings_put(s, &s->app, app);

    *out = (struct config_file){ 0 };
    return err ? err
               : load(&(struct load){
                     .out = out, .settings = s, .all = all, .target = target, .problem = p });
}

bool config_file_ambiguous(const struct config_file *f, const char *what, struct problem *p)
{
    if (f->chosen.count == 0)
        return false;
    problem_set(p,
                "%s%s%.200s is for one app, and there are several: %.*s; say for which one, as in: "
                "--app %s",
                f->path.len ? f->path.ptr : "", f->path.len ? ": " : "", what,
                STR_ARG(str_sub(buf_str(&f->app.names), 0, 300)), f->chosen.bytes.ptr);
    return true;
}
