/* app/place_notes.c -- what a reload changes of what is said for listeners and routes */
#include "app/places.h"

#include <stdarg.h>

/* One text of the old settings and of the new ones. */
struct change {
    struct routes *old, *fresh;
    const char *prefix; /* "shop: ", or "" */
    struct strings *notes;
    bool any;
};

static struct routes *parsed(struct str text, bool listeners)
{
    struct routes *r = calloc(1, sizeof(*r));
    struct problem ignored; /* the texts are ours */

    if (r && (listeners ? routes_parse_listeners : routes_parse)(r, text, &ignored)) {
        free(r);
        return NULL;
    }
    return r;
}

static void note(struct change *c, struct str label, const char *fmt, ...) PRINTF(3, 4);
static void note(struct change *c, struct str label, const char *fmt, ...)
{
    char text[600];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    strings_addf(c->notes, "%s%.*s: %s", c->prefix, STR_ARG(str_sub(label, 0, 300)), text);
    c->any = true;
}

static void value_text(struct str list, const struct settings_row *row, struct buf *out)
{
    struct override o;

    if (!override_find(list, row, &o))
        buf_add(out, STR("nothing of its own"));
    else if (!override_decode(o.value, out) || out->len == 0)
        buf_add(out, STR("nothing"));
}

static void row_compare(struct change *c, struct str label, const struct settings_row *row,
                        struct str old, struct str fresh)
{
    AUTO(buf_done) struct buf was = { 0 };
    AUTO(buf_done) struct buf is = { 0 };

    value_text(old, row, &was);
    value_text(fresh, row, &is);
    if (str_eq(buf_str(&was), buf_str(&is)))
        return;
    if (row->flags & SETTINGS_RELOADABLE)
        note(c, label, "%s: %.*s instead of %.*s", row->name, STR_ARG(buf_str(&is)),
             STR_ARG(buf_str(&was)));
    else
        note(c, label, "%s: stays %.*s: %.*s needs a new start, `fettle stop` and `fettle run`",
             row->name, STR_ARG(buf_str(&was)), STR_ARG(buf_str(&is)));
    c->notes->bytes.failed |= was.failed || is.failed;
}

static void overrides_compare(struct change *c, struct str label, struct str old, struct str fresh)
{
    for (u32 i = 0; i < settings_row_count; i++)
        if (settings_rows[i].scope & (SETTINGS_OF_LISTENER | SETTINGS_OF_ROUTE))
            row_compare(c, label, &settings_rows[i], old, fresh);
}

/* The row with the same address, host and path. NULL: there is none. */
static const struct routes_row *row_find(const struct routes *in, const struct routes *r, u32 i)
{
    const struct routes_row *row = &r->row[i];

    for (u32 k = 0; k < in->n; k++) {
        const struct routes_row *other = &in->row[k];
        bool same = row->address == ROUTES_ANYWHERE || other->address == ROUTES_ANYWHERE
                        ? row->address == other->address
                        : endpoint_same(&r->address[row->address], &in->address[other->address]);

        if (same && str_eq(row->host, other->host) && str_eq(row->path, other->path))
            return other;
    }
    return NULL;
}

static void where_text(const struct routes_row *row, struct buf *out)
{
    if (!row->app_name.ptr)
        buf_add(out, STR("no app"));
    else if (!override_decode(row->app_name, out))
        buf_clear(out);
    if (row->strip)
        buf_add(out, STR(", without the prefix"));
}

static void route_compare(struct change *c, u32 i)
{
    const struct routes_row *row = &c->fresh->row[i], *was = row_find(c->old, c->fresh, i);
    AUTO(buf_done) struct buf label = { 0 };
    AUTO(buf_done) struct buf now = { 0 };
    AUTO(buf_done) struct buf then = { 0 };

    places_label(&label, c->fresh, i);
    where_text(row, &now);
    if (!was) {
        if (row->address == ROUTES_ANYWHERE)
            note(c, buf_str(&label), "is new");
        else
            note(c, buf_str(&label), "is new, and leads to %.*s", STR_ARG(buf_str(&now)));
    } else {
        where_text(was, &then);
        if (!str_eq(buf_str(&now), buf_str(&then)))
            note(c, buf_str(&label), "leads to %.*s instead of %.*s", STR_ARG(buf_str(&now)),
                 STR_ARG(buf_str(&then)));
    }
    overrides_compare(c, buf_str(&label), was ? was->overrides : (struct str){ 0 }, row->overrides);
    c->notes->bytes.failed |= label.failed || now.failed || then.failed;
}

static void routes_compare(struct change *c)
{
    for (u32 i = 0; i < c->fresh->n; i++)
        route_compare(c, i);
    for (u32 i = 0; i < c->old->n; i++) {
        AUTO(buf_done) struct buf label = { 0 };

        if (row_find(c->fresh, c->old, i))
            continue;
        places_label(&label, c->old, i);
        note(c, buf_str(&label), "is gone");
    }
}

static const struct routes_listener *listener_find(const struct routes *in,
                                                   const struct routes_listener *l)
{
    for (u32 i = 0; i < in->listeners; i++)
        if (endpoint_same(&in->listener[i].at, &l->at))
            return &in->listener[i];
    return NULL;
}

static void listener_compare(struct change *c, const struct routes_listener *l, bool is_old)
{
    const struct routes_listener *other = listener_find(is_old ? c->fresh : c->old, l);
    AUTO(buf_done) struct buf label = { 0 };

    if (is_old && other)
        return; /* has been compared */
    places_listener_label(&label, l);
    overrides_compare(c, buf_str(&label),
                      is_old  ? l->overrides
                      : other ? other->overrides
                              : (struct str){ 0 },
                      is_old ? (struct str){ 0 } : l->overrides);
}

static void listeners_compare(struct change *c)
{
    for (u32 i = 0; i < c->fresh->listeners; i++)
        listener_compare(c, &c->fresh->listener[i], false);
    for (u32 i = 0; i < c->old->listeners; i++)
        listener_compare(c, &c->old->listener[i], true);
}

static bool compare(struct str old, struct str fresh, bool listeners, const char *prefix,
                    struct strings *notes)
{
    AUTO(freep) struct routes *was = parsed(old, listeners);
    AUTO(freep) struct routes *is = parsed(fresh, listeners);
    struct change c = { was, is, prefix, notes, false };

    if (!was || !is)
        return !str_eq(old, fresh);
    (listeners ? listeners_compare : routes_compare)(&c);
    return c.any;
}

bool places_notes(const struct settings *old, const struct settings *fresh, const char *name,
                  bool shared, struct strings *notes)
{
    char prefix[100];
    bool any;

    snprintf(prefix, sizeof(prefix), "%s: ", name);
    any = compare(old->paths, fresh->paths, false, prefix, notes);
    if (shared) {
        any |= compare(old->listeners, fresh->listeners, true, "", notes);
        any |= compare(old->routes, fresh->routes, false, "", notes);
    }
    return any;
}

/* The overrides that are reloadable, or those that are not. */
static void overrides_of(struct str list, bool reloadable, struct buf *out)
{
    struct override o;

    while (override_next(&list, &o))
        if (!(o.row->flags & SETTINGS_RELOADABLE) != reloadable)
            buf_addf(out, " %s:%u=%.*s", o.row->name, o.line, STR_ARG(o.value));
}

int places_merge(const struct settings *old, const struct settings *fresh, struct buf *listeners)
{
    AUTO(freep) struct routes *was = parsed(old->listeners, true);
    AUTO(freep) struct routes *is = parsed(fresh->listeners, true);
    u32 n = 0;

    if (!was || !is)
        return -ENOMEM;
    for (u32 i = 0; i < is->listeners; i++) {
        const struct routes_listener *before = listener_find(was, &is->listener[i]);

        buf_add(listeners, n++ ? STR(";") : STR(""));
        buf_add(listeners, is->listener[i].text);
        overrides_of(is->listener[i].overrides, true, listeners);
        if (before)
            overrides_of(before->overrides, false, listeners);
    }
    for (u32 i = 0; i < was->listeners; i++) { /* what of those that are gone cannot go */
        AUTO(buf_done) struct buf kept = { 0 };

        if (listener_find(is, &was->listener[i]))
            continue;
        overrides_of(was->listener[i].overrides, false, &kept);
        if (kept.len == 0)
            continue;
        buf_add(listeners, n++ ? STR(";") : STR(""));
        buf_add(listeners, was->listener[i].text);
        buf_add(listeners, buf_str(&kept));
        listeners->failed |= kept.failed;
    }
    return listeners->failed ? -ENOMEM : 0;
}
