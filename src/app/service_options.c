/* app/service_options.c -- what `fettle service` can be told besides the flags of `fettle run` */
#include "app/service_options.h"

#define AT(field) offsetof(struct service_options, field)

static const char *const group_title[] = { "Flags, besides those of fettle run" };

/* clang-format off */
static const struct settings_row rows[] = {
{ .name = "user", .type = SETTINGS_BOOL, .offset = AT(user), .default_text = "off",
  .help = "a unit of your own; the default, except for root" },
{ .name = "system", .type = SETTINGS_BOOL, .offset = AT(system), .default_text = "off",
  .help = "a unit of the machine's; the default for root" },
{ .name = "as", .type = SETTINGS_TEXT, .offset = AT(as), .default_text = "", .most = 64, .placeholder = "USER",
  .help = "whom the app runs as; else the owner of its folder" },
{ .name = "socket", .type = SETTINGS_TEXT, .offset = AT(socket), .default_text = "", .placeholder = "ADDR,…",
  .help = "systemd opens this port, address or path for the app" },
{ .name = "print", .type = SETTINGS_BOOL, .offset = AT(print), .default_text = "off",
  .help = "install: only show what would be written" },
{ .name = "force", .type = SETTINGS_BOOL, .offset = AT(force), .default_text = "off",
  .help = "also over a unit that fettle did not write" },
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off",
  .help = "JSON instead of text" },
{ .name = "root", .type = SETTINGS_PATH, .flags = SETTINGS_HIDDEN, .offset = AT(root), .default_text = "", .placeholder = "DIR",
  .help = "the folder below which systemd's are" },
};
/* clang-format on */

static const u32 row_count = ARRAY_LEN(rows);
const struct settings_table service_flags = {
    .command = "service",
    .rows = rows,
    .count = &row_count,
    .group_title = group_title,
    .groups = 1,
};

/* How many words belong to this flag, if it is one of ours: 0, 1 or 2. */
static u32 own_words(const char *word)
{
    struct str value, name = str_cut(str_of(word), '=', &value);
    const struct settings_row *row;

    if (!str_starts(name, STR("--")) || name.len == 2)
        return 0;
    name = str_sub(name, 2, name.len);
    row = settings_table_find(&service_flags, name, NULL);
    if (!row && str_starts(name, STR("no-")))
        row = settings_table_find(&service_flags, str_sub(name, 3, name.len), NULL);
    return !row ? 0 : value.ptr || row->type == SETTINGS_BOOL ? 1 : 2;
}

int service_options_read(struct service_options *o, int argc, char **argv, struct strings *rest,
                         struct problem *p)
{
    struct settings_values to = { o, &o->texts };
    AUTO(strings_done) struct strings own = { 0 };
    struct settings_args args;
    bool ours = true;
    int err = settings_table_init(&service_flags, &to);

    strings_add(&own, STR("service"));
    for (int i = 0; i < argc; i++) {
        u32 n = i && ours ? own_words(argv[i]) : 0;

        ours = ours && strcmp(argv[i], "--") != 0;
        if (n == 0)
            strings_add(rest, str_of(argv[i]));
        for (; n; n--, i += n > 0)
            if (i < argc)
                strings_add(&own, str_of(argv[i]));
    }
    AUTO(freep) char **own_argv = strings_list(&own);

    if (err || !own_argv || rest->bytes.failed)
        return -ENOMEM;
    err = settings_table_read_args(&service_flags, &to, (int)own.count, own_argv, 1, &args, p);
    if (!err && o->user && o->system)
        return problem_set(p, "--user and --system together make no sense; write one of them");
    return err;
}

void service_options_done(struct service_options *o)
{
    settings_texts_free(&o->texts);
}
