/* app/options.c -- the settings of one start of fettle, from all places where they can stand */
#include "app/options.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "conf/otelenv.h"

extern char **environ;

static int out_of_memory(void)
{
    struct problem p = { .text = "out of memory" };

    command_problem(&p);
    return EXIT_APP;
}

static int problem_exit(int err, const struct problem *p)
{
    if (err == -ENOMEM)
        return out_of_memory();
    command_problem(p);
    return EXIT_USAGE;
}

static void misspelt_warn(void)
{
    AUTO(buf_done) struct buf name = { 0 };
    const struct settings_row *meant;
    struct str variable;

    if (!settings_env_misspelt(environ, &variable, &meant))
        return;
    settings_env_name(meant, &name);
    log_warn("the environment has %.*s, which is no setting; did you mean %.*s?", STR_ARG(variable),
             STR_ARG(buf_str(&name)));
}

static void log_from(const struct settings *s, const char *source)
{
    static const enum log_colour colour[] = {
        [SETTINGS_COLOR_AUTO] = LOG_COLOUR_AUTO,
        [SETTINGS_COLOR_ALWAYS] = LOG_COLOUR_ALWAYS,
        [SETTINGS_COLOR_NEVER] = LOG_COLOUR_NEVER,
    };

    log_setup(&(struct log_conf){ .level = s->log_level,
                                  .json = s->log == SETTINGS_LOG_JSON,
                                  .colour = colour[s->color],
                                  .source = source });
}

void options_log_setup(const struct settings *s)
{
    log_from(s, "fettle");
}

bool options_mistakes(const struct findings *f)
{
    u32 shown = 0;

    for (u32 i = 0; i < f->count; i++) {
        if (f->list[i].kind != FINDING_MISTAKE)
            continue;
        command_problem(&f->list[i].problem);
        shown++;
    }
    if (f->of[FINDING_MISTAKE] > shown)
        command_usage("and %u more mistakes", f->of[FINDING_MISTAKE] - shown);
    return f->of[FINDING_MISTAKE] > 0;
}

void options_findings_log(const struct findings *f)
{
    AUTO(buf_done) struct buf notes = { 0 };
    const char *file = "";

    for (u32 i = 0; i < f->count; i++) {
        const struct problem *p = &f->list[i].problem;
        struct str rest, key = str_cut(str_of(p->text), ':', &rest);

        if (f->list[i].kind == FINDING_WARNING && p->line)
            log_warn("%s:%u: %s", p->file, p->line, p->text);
        else if (f->list[i].kind == FINDING_WARNING)
            log_warn("%s: %s", p->file, p->text);
        if (f->list[i].kind != FINDING_NOTE)
            continue;
        buf_addf(&notes, "%s%.*s", notes.len ? ", " : "", STR_ARG(str_sub(key, 0, 80)));
        file = p->file;
    }
    if (notes.len && !notes.failed)
        log_info("%s: nothing needs to be done for %.*s (fettle config check %s says why)", file,
                 STR_ARG(buf_str(&notes)), file);
}

static int files_read(struct settings *s, struct config_file *file, const char *target)
{
    struct problem p;
    int err = config_file_load(file, s, target, &p);

    if (err) {
        problem_exit(err, &p);
        return err == -ENOENT ? EXIT_MISSING : err == -EINVAL ? EXIT_USAGE : EXIT_APP;
    }
    return options_mistakes(&file->findings) ? EXIT_USAGE : 0;
}

int options_read(struct settings *s, struct settings_args *args, struct config_file *file, int argc,
                 char **argv)
{
    struct problem p;
    const char *note = NULL;
    int err = settings_init(s), code;

    *args = (struct settings_args){ 0 };
    if (err)
        return out_of_memory();
    /* Flags first: --help must work whatever the environment holds. */
    err = settings_read_args(s, argc, argv, 1, args, &p);
    if (!err && (args->help || args->version))
        return 0;
    if (!err)
        err = otelenv_read(s, environ, &note, &p);
    if (!err)
        err = settings_read_env(s, environ, 0, &p);
    if (err)
        return problem_exit(err, &p);
    code = files_read(s, file, args->operands ? argv[args->operand[0]] : NULL);
    if (code)
        return code;
    err = settings_check(s, &p);
    if (err)
        return problem_exit(err, &p);
    log_from(s, "fettle");
    misspelt_warn();
    if (note)
        log_warn("%s", note);
    options_findings_log(&file->findings);
    return 0;
}

int options_read_child(struct settings *s, const char *source, int argc, char **argv, int *rest)
{
    struct settings_args args;
    struct problem p;
    int err = settings_init(s);

    if (!err)
        err = settings_read_args(s, argc, argv, 1, &args, &p);
    if (!err)
        err = settings_read_env(s, environ, SETTINGS_SECRET, &p);
    if (!err)
        err = settings_check(s, &p);
    if (err)
        return problem_exit(err, &p);
    if (rest)
        *rest = args.rest > 1 && strcmp(argv[args.rest - 1], "--") == 0 ? (int)args.rest - 1 : argc;
    log_from(s, source);
    return 0;
}

static void wipe(char *text)
{
    memset(text, '*', strlen(text));
}

void options_without_secrets(int argc, char **argv, struct strings *words, struct strings *env)
{
    bool flags = true;

    for (int i = 0; i < argc; i++) {
        struct str value, name = str_cut(str_of(argv[i]), '=', &value);
        const struct settings_row *row = NULL;
        AUTO(buf_done) struct buf variable = { 0 };

        flags = flags && strcmp(argv[i], "--") != 0;
        if (flags && str_starts(name, STR("--")))
            row = settings_row_find(str_sub(name, 2, name.len), NULL);
        if (!row || !(row->flags & SETTINGS_SECRET)) {
            strings_add(words, str_of(argv[i]));
            continue;
        }
        if (!value.ptr && i + 1 < argc)
            value = str_of(argv[++i]);
        settings_env_name(row, &variable);
        strings_addf(env, "%.*s=%.*s", STR_ARG(buf_str(&variable)), STR_ARG(value));
    }
}

void options_wipe_secrets(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        struct str value, name = str_cut(str_of(argv[i]), '=', &value);
        const struct settings_row *row = NULL;

        if (str_starts(name, STR("--")))
            row = settings_row_find(str_sub(name, 2, name.len), NULL);
        if (!row || !(row->flags & SETTINGS_SECRET))
            continue;
        if (value.ptr)
            wipe(argv[i] + name.len + 1);
        else if (i + 1 < argc)
            wipe(argv[i + 1]);
    }
}
