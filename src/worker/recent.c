/* worker/recent.c -- the newest lines that went to no log file, kept in memory for `fettle logs` */
#include "worker/recent.h"

#include "base/json.h"
#include "worker/crew.h"

enum { LINE_MAX_BYTES = 64 * 1024, OUT_BYTES = 256 * 1024 };
#define LOOK_NS (50 * NS_PER_MS)

/* Before each line in the ring. */
struct record {
    u64 at_ms;
    u32 len, pid;
    u16 app, worker;
    bool stderr;
};

struct reader {
    struct list link;
    struct control_talk *talk;
    u64 at;  /* where its next record is */
    int app; /* -1: all */
    bool follows;
    bool caught_up; /* and has been told so */
};

static void ring_put(struct recent *r, u64 at, const void *from, size_t len)
{
    size_t place = at % RECENT_BYTES, first = min(len, RECENT_BYTES - place);

    memcpy(r->bytes + place, from, first);
    memcpy(r->bytes, (const char *)from + first, len - first);
}

static void ring_get(const struct recent *r, u64 at, void *to, size_t len)
{
    size_t place = at % RECENT_BYTES, first = min(len, RECENT_BYTES - place);

    memcpy(to, r->bytes + place, first);
    memcpy((char *)to + first, r->bytes, len - first);
}

static struct record record_at(const struct recent *r, u64 at)
{
    struct record record;

    ring_get(r, at, &record, sizeof(record));
    return record;
}

void recent_add(struct recent *r, const struct recent_from *from, struct str line)
{
    struct record record = { .at_ms = clock_wall_ms(),
                             .len = (u32)min(line.len, (size_t)LINE_MAX_BYTES),
                             .pid = from->pid,
                             .app = from->app,
                             .worker = (u16)from->worker,
                             .stderr = from->stderr };
    u64 end = r->end + sizeof(record) + record.len;

    if (!r->bytes)
        return;
    while (end - r->head > RECENT_BYTES)
        r->head += sizeof(record) + record_at(r, r->head).len;
    ring_put(r, r->end, &record, sizeof(record));
    ring_put(r, r->end + sizeof(record), line.ptr, record.len);
    r->end = end;
}

/* As it would stand in a log file, as a JSON text. */
static void line_write(const struct recent *r, const struct record *record, struct str text,
                       struct buf *out)
{
    AUTO(buf_done) struct buf line = { 0 };
    struct output_from from = { .at_ms = record->at_ms,
                                .worker = record->worker,
                                .pid = record->pid,
                                .index = record->stderr };

    if (record->app != RECENT_OF_FETTLE) {
        from.app = r->crew->app[record->app]->conf->name;
        output_line(&line, &from, text, r->crew->sink.json);
    } else {
        if (!r->crew->sink.json) {
            output_time_at(&line, record->at_ms);
            buf_addc(&line, ' ');
        }
        buf_add(&line, text);
    }
    json_text(out, buf_str(&line));
    out->failed |= line.failed;
}

static bool wants(const struct reader *reader, const struct record *record)
{
    return reader->app < 0 || record->app == reader->app || record->app == RECENT_OF_FETTLE;
}

static void at_write(struct buf *out, u64 at)
{
    buf_clear(out);
    buf_addc(out, '{');
    json_key(out, "at");
    json_u64(out, at);
}

/* What has become too old for it meanwhile. */
static void lost_tell(const struct recent *r, struct reader *reader, struct buf *out)
{
    if (reader->at >= r->head)
        return;
    at_write(out, r->head);
    json_key(out, "lost");
    json_bool(out, true);
    buf_addc(out, '}');
    if (reader->at > 0) /* it had begun */
        control_say(reader->talk, buf_str(out));
    reader->at = r->head;
}

/* As much as it takes for now. */
static void reader_fill(const struct recent *r, struct reader *reader)
{
    AUTO(buf_done) struct buf out = { 0 };
    AUTO(freep) char *text = malloc(LINE_MAX_BYTES);
    struct control_talk *talk = reader->talk;

    lost_tell(r, reader, &out);
    while (text && reader->at < r->end && talk->out.len - talk->sent < OUT_BYTES) {
        struct record record = record_at(r, reader->at);

        ring_get(r, reader->at + sizeof(record), text, record.len);
        reader->at += sizeof(record) + record.len;
        if (!wants(reader, &record))
            continue;
        at_write(&out, reader->at);
        json_key(&out, "line");
        line_write(r, &record, str_make(text, record.len), &out);
        buf_addc(&out, '}');
        if (!out.failed)
            control_say(talk, buf_str(&out));
        out.failed = false;
    }
}

static void reader_free(struct reader *reader)
{
    list_del(&reader->link);
    free(reader);
}

static void now_tell(struct reader *reader)
{
    AUTO(buf_done) struct buf out = { 0 };

    if (reader->caught_up)
        return;
    at_write(&out, reader->at);
    json_key(&out, "now");
    json_bool(&out, true);
    buf_addc(&out, '}');
    reader->caught_up = !out.failed;
    if (!out.failed)
        control_say(reader->talk, buf_str(&out));
}

/* True: it has got all that it asked for. */
static bool reader_look(struct recent *r, struct reader *reader)
{
    reader_fill(r, reader);
    if (reader->at < r->end)
        return false;
    if (reader->follows) {
        now_tell(reader);
        return false;
    }
    control_end(reader->talk, STR("{\"ok\":true}"));
    reader_free(reader);
    return true;
}

static void look(struct timer *t)
{
    struct recent *r = container_of(t, struct recent, look);

    list_each_safe (link, &r->readers)
        (void)reader_look(r, container_of(link, struct reader, link));
    if (!list_empty(&r->readers))
        loop_timer(r->crew->loop, t, loop_now_ns(r->crew->loop) + LOOK_NS, look);
}

/* -1: all; -ENOENT: there is none of that name. */
static int app_number(const struct crew *c, const char *name)
{
    if (!*name)
        return -1;
    for (u32 i = 0; i < c->apps; i++)
        if (strcmp(c->app[i]->conf->name, name) == 0)
            return (int)i;
    return -ENOENT;
}

void recent_read(struct recent *r, const struct order *order, struct control_talk *talk)
{
    int app = app_number(r->crew, order->app);
    struct reader *reader;

    if (app == -ENOENT) {
        control_fail(talk, "there is no app \"%s\"", order->app);
        return;
    }
    if (!r->bytes) {
        control_fail(talk, "no line is kept: out of memory");
        return;
    }
    reader = calloc(1, sizeof(*reader));
    if (!reader) {
        control_fail(talk, "out of memory");
        return;
    }
    *reader = (struct reader){
        .talk = talk, .app = app, .follows = order->follow, .at = min(order->from, r->end)
    };
    list_add(&r->readers, &reader->link);
    if (!reader_look(r, reader) && !loop_timer_armed(&r->look))
        loop_timer(r->crew->loop, &r->look, loop_now_ns(r->crew->loop) + LOOK_NS, look);
}

void recent_forget(struct recent *r, const struct control_talk *talk)
{
    list_each_safe (link, &r->readers) {
        struct reader *reader = container_of(link, struct reader, link);

        if (reader->talk == talk)
            reader_free(reader);
    }
}

void recent_init(struct recent *r, struct crew *crew)
{
    *r = (struct recent){ .crew = crew };
    list_init(&r->readers);
    r->bytes = malloc(RECENT_BYTES); /* what is not written to takes no memory */
}

void recent_quit(struct recent *r)
{
    const struct successor *next = r->crew ? &r->crew->successor : NULL;
    char last[64] = "{\"ok\":true,\"ends\":true}";

    if (!r->crew)
        return;
    if (successor_has_taken(next) && next->pid)
        snprintf(last, sizeof(last), "{\"ok\":true,\"ends\":true,\"goes_on_pid\":%d}",
                 (int)next->pid);
    loop_timer_stop(&r->look);
    while (!list_empty(&r->readers)) {
        struct reader *reader = list_first(&r->readers, struct reader, link);

        reader_fill(r, reader);
        control_end(reader->talk, str_of(last));
        reader_free(reader);
    }
}

void recent_done(struct recent *r)
{
    free(TAKE(r->bytes, NULL));
}
