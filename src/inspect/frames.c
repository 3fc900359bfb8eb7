/* inspect/frames.c -- the JavaScript stack of a process, by its inspector */
#include "inspect/frames.h"

enum { SCRIPTS_BYTES_MAX = 8 << 20 };

struct taking {
    struct buf *out;
    struct buf scripts;
    bool halted;
};

/* The protocol counts from 0. */
static u64 from_one(const struct json_value *location, const char *name)
{
    u64 n;

    return json_value_u64(json_value_member(location, name), &n) ? n + 1 : 1;
}

void frames_script(struct buf *scripts, const struct json_value *params)
{
    struct str id = json_value_text(json_value_member(params, "scriptId"));
    struct str url = json_value_text(json_value_member(params, "url"));

    if (id.len && url.len && !memchr(url.ptr, '\n', url.len))
        buf_addf(scripts, "%.*s %.*s\n", STR_ARG(id), STR_ARG(url));
}

/* Empty: not known. */
static struct str script_of(struct str scripts, struct str id)
{
    while (scripts.len) {
        struct str url, line = str_cut(scripts, '\n', &scripts);

        if (str_eq(str_cut(line, ' ', &url), id))
            return url;
    }
    return (struct str){ 0 };
}

static void frame_add(struct buf *out, const struct json_value *frame, struct str scripts)
{
    const struct json_value *at = json_value_member(frame, "location");
    struct str function = json_value_text(json_value_member(frame, "functionName"));
    struct str script = json_value_text(json_value_member(frame, "url"));
    u64 line = from_one(at, "lineNumber"), column = from_one(at, "columnNumber");

    if (!script.len)
        script = script_of(scripts, json_value_text(json_value_member(at, "scriptId")));
    if (!script.len)
        script = STR("<anonymous>");
    if (function.len)
        buf_addf(out, "    at %.*s (%.*s:%llu:%llu)\n", STR_ARG(function), STR_ARG(script),
                 (unsigned long long)line, (unsigned long long)column);
    else
        buf_addf(out, "    at %.*s:%llu:%llu\n", STR_ARG(script), (unsigned long long)line,
                 (unsigned long long)column);
}

void frames_text(struct buf *out, const struct json_value *params, struct str scripts)
{
    const struct json_value *frames = json_value_member(params, "callFrames");
    u32 count = min(json_value_count(frames), (u32)FRAMES_MAX);

    for (u32 i = 0; i < count; i++)
        frame_add(out, json_value_at(frames, i), scripts);
}

static void event(struct devtools *c, struct str method, const struct json_value *params)
{
    struct taking *t = c->arg;

    if (str_eq(method, STR("Debugger.scriptParsed")))
        frames_script(&t->scripts, params);
    if (t->halted || !str_eq(method, STR("Debugger.paused")))
        return;
    t->halted = true;
    frames_text(t->out, params, buf_str(&t->scripts));
}

int frames_take(struct devtools *c, u64 until_ns, struct buf *out)
{
    struct taking t = { .out = out, .scripts = { .bytes_max = SCRIPTS_BYTES_MAX } };
    u64 id;
    int err;

    c->event = event;
    c->arg = &t;
    err = devtools_ask(c, "Debugger.enable", STR(""), &id);
    if (!err)
        err = devtools_ask(c, "Debugger.pause", STR(""), &id);
    if (!err)
        err = devtools_until(c, &t.halted, until_ns);
    c->event = NULL;
    c->arg = NULL;
    buf_done(&t.scripts);
    return err ? err : out->failed ? -ENOMEM : 0;
}

int frames_release(struct devtools *c, u64 until_ns)
{
    u64 id;
    int err = devtools_ask(c, "Debugger.resume", STR(""), &id); /* refused when nothing is halted */

    if (!err)
        err = devtools_ask(c, "Debugger.disable", STR(""), &id);
    return err ? err : devtools_wait(c, id, until_ns, NULL);
}
