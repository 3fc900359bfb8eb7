/* app/settings_page.c -- `fettle __settings-md`: doc/settings.md, made from the table */
#include "app/command.h"
#include "app/topic.h"

static void row_add(struct buf *out, const struct settings_row *row)
{
    AUTO(buf_done) struct buf env = { 0 };
    AUTO(buf_done) struct buf scope = { 0 };

    buf_addf(out, "### `--%s`\n\n", row->name);
    if (row->help[0] >= 'a' && row->help[0] <= 'z')
        buf_addf(out, "%c%s.", row->help[0] - 32, row->help + 1);
    else
        buf_addf(out, "%s.", row->help);
    if (row->more)
        buf_addf(out, " %s", row->more);
    settings_env_name(row, &env);
    buf_add(out, STR("\n\n- Value: "));
    topic_values(row, out);
    if (topic_default(row).len)
        buf_addf(out, "\n- Default: `%.*s`", STR_ARG(topic_default(row)));
    buf_addf(out, "\n- Environment: `%.*s`", STR_ARG(buf_str(&env)));
    if (row->flags & SETTINGS_START)
        buf_add(out, STR("\n- Cannot stand in a file"));
    topic_scope(row, &scope);
    if (scope.len)
        buf_addf(out, "\n- May be said for %.*s", STR_ARG(buf_str(&scope)));
    if (row->flags & SETTINGS_RELOADABLE)
        buf_add(out, STR("\n- Reloadable"));
    if (row->short_flag)
        buf_addf(out, "\n- Short: `-%c %s`", row->short_flag, row->placeholder);
    buf_add(out, STR("\n\n"));
    out->failed |= env.failed || scope.failed;
}

static void summary_add(struct buf *out, u32 group)
{
    buf_add(out, STR("| setting | default | |\n|---|---|---|\n"));
    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];

        if (row->group != group || row->flags & SETTINGS_HIDDEN)
            continue;
        buf_addf(out, "| [`--%s`](#--%s) | ", row->name, row->name);
        if (topic_default(row).len)
            buf_addf(out, "`%.*s` ", STR_ARG(topic_default(row)));
        buf_addf(out, "| %s |\n", row->help);
    }
    buf_addc(out, '\n');
}

int settings_page_command(int argc, char **argv)
{
    AUTO(buf_done) struct buf out = { 0 };

    (void)argc;
    (void)argv;
    buf_add(&out, STR("# Settings\n\n<!-- Made by `fettle __settings-md` from the table in "
                      "src/conf/settings_table.c: change that. -->\n\n"));
    for (u32 i = 0; i < topic_settings_count; i++)
        buf_addf(&out, "%s\n\n", topic_settings[i]);
    for (u32 group = 0; group < SETTINGS_GROUPS; group++) {
        buf_addf(&out, "## %s\n\n", settings_of_run.group_title[group]);
        summary_add(&out, group);
        for (u32 i = 0; i < settings_row_count; i++)
            if (settings_rows[i].group == group && !(settings_rows[i].flags & SETTINGS_HIDDEN))
                row_add(&out, &settings_rows[i]);
    }
    out.len -= !out.failed; /* one line's end at the end */
    return command_print(&out);
}
