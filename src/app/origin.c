/* app/origin.c -- where settings came from, for people */
#include "app/origin.h"

#include "base/json.h"

void origin_text(struct buf *out, const struct settings *s, const struct settings_row *row)
{
    const struct settings_origin *from = settings_origin_of(s, row);

    switch (from->source) {
    case SETTINGS_FLAG:
        buf_addf(out, "--%s", row->name);
        return;
    case SETTINGS_ENV:
        settings_env_name(row, out);
        return;
    case SETTINGS_DEFAULT:
        buf_add(out, STR("default"));
        return;
    case SETTINGS_PACKAGE:
    case SETTINGS_PACKAGE_APP:
    case SETTINGS_FILE:
    case SETTINGS_FILE_APP:
    case SETTINGS_LISTENER:
    case SETTINGS_PATH_OWN:
    case SETTINGS_ROUTE:
        buf_add(out, from->file);
        if (from->line)
            buf_addf(out, ":%u", from->line);
        if (from->key.len && !str_eq(from->key, str_of(row->name)))
            buf_addf(out, " %.*s", STR_ARG(from->key));
        return;
    }
}

static void row_write(struct buf *out, const struct settings *s, const struct settings_row *row)
{
    AUTO(buf_done) struct buf value = { 0 };
    AUTO(buf_done) struct buf from = { 0 };

    settings_text(s, row, &value);
    origin_text(&from, s, row);
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "name");
    json_text(out, str_of(row->name));
    json_key(out, "value");
    json_text(out, row->flags & SETTINGS_SECRET ? STR("(not shown)") : buf_str(&value));
    json_key(out, "default");
    json_text(out, str_of(row->default_text));
    json_key(out, "from");
    json_text(out, buf_str(&from));
    json_key(out, "reloadable");
    json_bool(out, row->flags & SETTINGS_RELOADABLE);
    buf_addc(out, '}');
    out->failed |= value.failed || from.failed;
}

void origin_json(struct buf *out, const struct settings *s)
{
    struct settings plain;

    if (settings_init(&plain) == 0) {
        buf_addc(out, '[');
        for (u32 i = 0; i < settings_row_count; i++)
            if (settings_origin_of(s, &settings_rows[i])->source != SETTINGS_DEFAULT &&
                !settings_same(s, &plain, &settings_rows[i]))
                row_write(out, s, &settings_rows[i]);
        buf_addc(out, ']');
    } else {
        out->failed = true;
    }
    settings_done(&plain);
}
