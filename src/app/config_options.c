/* app/config_options.c -- what `fettle config` can be told, in one table */
#include "app/config_options.h"

#define AT(field) offsetof(struct config_options, field)

static const char *const group_title[] = { "Flags" };

/* clang-format off */
static const struct settings_row rows[] = {
{ .name = "json", .type = SETTINGS_BOOL, .offset = AT(json), .default_text = "off",
  .help = "show: one JSON object instead of a table" },
{ .name = "app", .type = SETTINGS_TEXT, .offset = AT(app), .default_text = "", .placeholder = "NAME",
  .help = "which app of a file that has several" },
{ .name = "only", .type = SETTINGS_TEXT, .flags = SETTINGS_HIDDEN, .offset = AT(only), .default_text = "", .placeholder = "NAME",
  .help = "the same, as pm2 names it" },
{ .name = "env", .type = SETTINGS_TEXT, .offset = AT(env), .default_text = "", .placeholder = "NAME",
  .help = "take env_NAME of pm2's ecosystem file too" },
};
/* clang-format on */

static const u32 row_count = ARRAY_LEN(rows);
const struct settings_table config_flags = {
    .command = "config",
    .rows = rows,
    .count = &row_count,
    .group_title = group_title,
    .groups = 1,
};
