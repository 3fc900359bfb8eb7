/* worker/reply.c -- what an operation tells who asked for it */
#include "worker/reply.h"

#include "base/json.h"
#include "worker/control.h"
#include "worker/crew.h"
#include "worker/operation.h"

#include <stdarg.h>

static void answer_begin(struct buf *out, const struct operation *op, bool ok)
{
    buf_addf(out, "{\"ok\":%s", ok ? "true" : "false");
    json_key(out, "app");
    json_text(out, str_of(op->app->conf->name));
    json_key(out, "did");
    json_text(out, str_of(order_name(op->order.verb)));
    json_key(out, "took_ms");
    json_u64(out, (clock_now_ns() - op->started_ns) / NS_PER_MS);
}

static void operation_end(struct operation *op, struct buf *answer)
{
    buf_addc(answer, '}');
    if (answer->failed)
        control_fail(op->talk, "out of memory");
    else
        control_end(op->talk, buf_str(answer));
    list_del(&op->link);
    free(op);
}

/* What was found to have changed. */
static void notes_write(struct buf *out, const struct reread *r)
{
    json_key(out, "notes");
    buf_addc(out, '[');
    for (u32 i = 0; i < r->notes.count; i++)
        json_text(out, strings_at(&r->notes, i));
    buf_addc(out, ']');
}

void reply_ok(struct operation *op, const char *fmt, ...)
{
    AUTO(buf_done) struct buf answer = { 0 };
    char text[512];
    va_list args;
    u64 took_ms = (clock_now_ns() - op->started_ns) / NS_PER_MS;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    answer_begin(&answer, op, true);
    json_key(&answer, "text");
    buf_addc(&answer, '"');
    buf_add_json(&answer, str_of(text));
    if (took_ms >= 10)
        buf_addf(&answer, " in %.2f s", (double)took_ms / 1000);
    buf_addc(&answer, '"');
    if (op->ends_all) {
        json_key(&answer, "ends");
        json_bool(&answer, true);
    }
    if (operation_reads_settings(op))
        notes_write(&answer, &op->app->crew->reread);
    operation_end(op, &answer);
}

void reply_failed_with(struct operation *op, struct str lines, const char *text)
{
    AUTO(buf_done) struct buf answer = { 0 };

    answer_begin(&answer, op, false);
    json_key(&answer, "error");
    json_text(&answer, str_of(text));
    json_key(&answer, "lines");
    buf_addc(&answer, '[');
    while (lines.ptr && lines.len) {
        struct str line = str_trim(str_cut(lines, '\n', &lines));

        if (line.len)
            json_text(&answer, line);
    }
    buf_addc(&answer, ']');
    operation_end(op, &answer);
}

void reply_failed(struct operation *op, bool with_lines, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    reply_failed_with(op, str_of(with_lines ? op->app->failure.lines : NULL), text);
}

void reply_step(const struct operation *op, u32 worker, const char *text)
{
    AUTO(buf_done) struct buf line = { 0 };

    buf_addc(&line, '{');
    json_key(&line, "app");
    json_text(&line, str_of(op->app->conf->name));
    if (worker) {
        json_key(&line, "worker");
        json_u64(&line, worker);
    }
    json_key(&line, "text");
    json_text(&line, str_of(text));
    buf_addc(&line, '}');
    if (!line.failed)
        control_say(op->talk, buf_str(&line));
}
