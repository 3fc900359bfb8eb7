/* admin/blamer.c -- what blocks loops is found out beside the monitor's own */
#include "admin/blamer.h"

#include "io/errand.h"
#include "sourcemap/stackmap.h"

/* Source maps that nobody has asked for in this time are forgotten. */
#define MAPS_IDLE_NS (60 * NS_PER_S)

struct blamer {
    struct blamer_conf conf;
    bool ends;
    struct errands *errands;
    struct errand maps_idle;
    struct sourcemap_cache maps; /* the errands' */
};

struct blaming {
    struct errand errand;
    struct blamer *blamer;
    struct blame blame;
    struct finding finding;
    struct buf route;
};

struct showing {
    struct errand errand;
    struct blamer *blamer;
    u32 slot;
    u64 since_ns;
    struct buf text, shown;
};

/* ---- decisions ---- */

static void blaming_free(struct blaming *t)
{
    blame_free(&t->blame);
    buf_done(&t->route);
    free(t);
}

static void blaming_work(struct errand *e)
{
    struct blaming *t = container_of(e, struct blaming, errand);

    blame_decide(&t->blame, &t->blamer->maps);
}

static void blaming_done(struct errand *e, bool was)
{
    struct blaming *t = container_of(e, struct blaming, errand);
    const struct cause *cause = &t->blame.cause;
    struct finding *f = &t->finding;

    if (was && !t->blamer->ends) {
        f->kind = cause->kind;
        f->route = buf_str(&t->route);
        f->subject = cause->subject;
        f->function = cause->place.function;
        f->file = t->blame.file;
        f->line = cause->place.line;
        f->column = cause->place.column;
        f->source = t->blame.source;
        f->text = t->blame.evidence;
        f->advice = str_of(cause->advice);
        t->blamer->conf.made(t->blamer->conf.arg, t, f);
    }
    blaming_free(t);
}

void blamer_decide(struct blamer *b, const struct blamer_case *of, struct blaming **which)
{
    struct blaming *t = *which = calloc(1, sizeof(*t));

    if (!t)
        return;
    *t = (struct blaming){
        .errand = { .work = blaming_work, .done = blaming_done },
        .blamer = b,
        .blame = { .took_ns = of->took_ns, .gc_ns = of->gc_ns },
        .finding = of->finding,
    };
    buf_add(&t->route, of->finding.route);
    if (!blame_copy(&t->blame, of->sample, of->samples)) {
        *which = NULL;
        blaming_free(t);
        return;
    }
    if (errands_add(b->errands, &t->errand))
        return;
    blame_decide(&t->blame, NULL);
    blaming_done(&t->errand, true);
}

void blaming_lasts(struct blaming *which, u64 took_ns)
{
    which->finding.took_ns = took_ns;
}

/* ---- stacks ---- */

static void showing_work(struct errand *e)
{
    struct showing *s = container_of(e, struct showing, errand);
    AUTO(buf_done) struct buf mapped = { 0 };
    struct str rest = buf_str(&s->text);

    if (stackmap_text(&s->blamer->maps, rest, &mapped))
        rest = buf_str(&mapped);
    for (u32 i = 0; rest.len && i < BLAMER_LINES_SHOWN; i++) {
        buf_add(&s->shown, str_trim(str_cut(rest, '\n', &rest)));
        buf_addc(&s->shown, '\n');
    }
}

static void showing_done(struct errand *e, bool was)
{
    struct showing *s = container_of(e, struct showing, errand);
    const struct blamer *b = s->blamer;

    if (was && !b->ends && !s->shown.failed)
        b->conf.shown(b->conf.arg, s->slot, s->since_ns, buf_str(&s->shown));
    buf_done(&s->text);
    buf_done(&s->shown);
    free(s);
}

void blamer_show(struct blamer *b, u32 slot, u64 since_ns, struct str stack)
{
    struct showing *s = calloc(1, sizeof(*s));

    if (!s)
        return;
    *s = (struct showing){ .errand = { .work = showing_work, .done = showing_done },
                           .blamer = b,
                           .slot = slot,
                           .since_ns = since_ns };
    buf_add(&s->text, stack);
    if (s->text.failed || !errands_add(b->errands, &s->errand))
        showing_done(&s->errand, false);
}

/* ---- all of it ---- */

static void maps_forget(struct errand *e)
{
    sourcemap_cache_done(&container_of(e, struct blamer, maps_idle)->maps);
}

int blamer_new(struct blamer **out, const struct blamer_conf *conf)
{
    struct blamer *b = calloc(1, sizeof(*b));
    int err;

    if (!b)
        return -ENOMEM;
    b->conf = *conf;
    b->maps = (struct sourcemap_cache){ .bytes_max = BLAME_MAPS_BYTES_MAX,
                                        .file_bytes_max = BLAME_FILE_BYTES_MAX,
                                        .mappings_max = BLAME_MAPPINGS_MAX,
                                        .follows = true };
    b->maps_idle.work = maps_forget;
    err = errands_new(&b->errands, conf->loop, &b->maps_idle, MAPS_IDLE_NS);
    if (err) {
        free(b);
        return err;
    }
    *out = b;
    return 0;
}

void blamer_free(struct blamer *b)
{
    if (!b)
        return;
    b->ends = true;
    errands_free(b->errands);
    sourcemap_cache_done(&b->maps);
    free(b);
}
