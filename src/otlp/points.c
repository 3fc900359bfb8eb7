/* otlp/points.c -- the samples of /metrics as OTLP metrics */
#include "otlp/points.h"

#include "base/clock.h"
#include "base/hash.h"
#include "otlp/protobuf.h"
#include "otlp/semantic.h"

enum { BUCKETS_MAX = 20, SERIES_MAX = 65536 };
enum { /* of Metric */
       NAME = 1,
       DESCRIPTION,
       UNIT,
       GAUGE = 5,
       SUM = 7,
       HISTOGRAM = 9
};
enum { /* of Sum, Gauge and Histogram */
       DATA_POINTS = 1,
       TEMPORALITY,
       IS_MONOTONIC
};
enum { DELTA = 1, CUMULATIVE = 2 };
enum { /* of NumberDataPoint */
       START = 2,
       TIME = 3,
       AS_DOUBLE = 4,
       AS_INT = 6,
       NUMBER_ATTRIBUTES = 7
};
enum { /* of HistogramDataPoint */
       COUNT_OF = 4,
       SUM_OF,
       BUCKETS,
       BOUNDS,
       HISTOGRAM_ATTRIBUTES = 9
};

/* What a series was, the last time. */
struct series {
    u64 hash;     /* 0: nobody's place */
    u64 seen;     /* points->round */
    u64 start_ns; /* of its sum; of what was told last, for deltas */
    u64 value;    /* or the histogram's sum */
    u64 bucket[BUCKETS_MAX];
};

/* One of the family that is being taken. */
struct point {
    u32 resource;
    u32 at, len; /* of attributes: its KeyValues, as NumberDataPoint has them */
    u64 start_ns;
    u64 n; /* or the histogram's sum */
    enum text_form form;
    u64 bucket[BUCKETS_MAX]; /* not cumulative */
};

struct points {
    struct text_sink sink;
    const struct identity *identity;
    bool delta, is_first, is_late;
    struct hash_key key;
    struct series *series;
    u32 series_n, room; /* room: a power of two */
    u64 round, told_ns; /* when points were taken last */
    struct points_now now;
    struct batch *batch;
    bool failed;
    /* The family */
    const char *name, *help;
    enum text_type type;
    u32 bounds;
    u64 le_copy[BUCKETS_MAX];
    struct point *point;
    u32 points, points_room;
    struct buf attributes;
};

/* ---- what was ---- */

static struct series *place_of(struct series *all, u32 room, u64 hash)
{
    u32 i = (u32)hash & (room - 1);

    while (all[i].hash && all[i].hash != hash)
        i = (i + 1) & (room - 1);
    return &all[i];
}

/* Makes room, and leaves out what was not there the last two times. */
static bool series_grow(struct points *p)
{
    u32 room = p->room, kept = 0;
    struct series *all;

    if (p->room && p->series_n < p->room / 2)
        return true;
    for (u32 i = 0; i < p->room; i++)
        kept += p->series[i].hash && p->series[i].seen + 1 >= p->round;
    if (kept >= SERIES_MAX)
        return false;
    while (room < 1024 || kept >= room / 4)
        room = room ? room * 2 : 1024;
    all = calloc(room, sizeof(*all));
    if (!all)
        return false;
    for (u32 i = 0; i < p->room; i++)
        if (p->series[i].hash && p->series[i].seen + 1 >= p->round)
            *place_of(all, room, p->series[i].hash) = p->series[i];
    free(p->series);
    p->series = all;
    p->room = room;
    p->series_n = kept;
    return true;
}

static struct series *series_of(struct points *p, u64 hash, bool *is_new)
{
    struct series *s;

    if (!series_grow(p))
        return NULL;
    s = place_of(p->series, p->room, hash);
    *is_new = !s->hash;
    if (*is_new) {
        *s = (struct series){ .hash = hash };
        p->series_n++;
    }
    s->seen = p->round;
    return s;
}

/* ---- taking ---- */

static const struct points_worker *worker_of(const struct points *p, struct str app, struct str id)
{
    for (u32 i = 0; i < p->now.workers; i++)
        if (str_eq(p->now.worker[i].id, id) && str_eq(p->now.worker[i].app, app))
            return &p->now.worker[i];
    return NULL;
}

static u32 resource_of(struct points *p, struct str app, struct str id,
                       const struct points_worker *worker)
{
    AUTO(buf_done) struct buf encoded = { 0 };
    const struct identity_of of = {
        .app = app.len ? app : p->now.only_app,
        .is_only_app = p->now.only_app.len > 0,
        .worker = id,
        .pid = worker ? worker->pid : 0,
        .node_version = worker ? worker->node_version : (struct str){ 0 },
    };
    u64 key = hash_str(&p->key, app) * 3 + hash_str(&p->key, id);
    u32 i = batch_resource(p->batch, key);

    if (i != UINT32_MAX)
        return i;
    identity_encode(p->identity, &of, &encoded);
    return encoded.failed ? UINT32_MAX : batch_resource_add(p->batch, key, buf_str(&encoded));
}

static struct str label_find(const struct label *labels, const char *name)
{
    for (; labels->name; labels++)
        if (strcmp(labels->name, name) == 0)
            return labels->value;
    return (struct str){ 0 };
}

static bool is_identity(const char *label)
{
    return strcmp(label, "app") == 0 || strcmp(label, "worker") == 0;
}

static void attributes_add(struct points *p, const struct label *labels)
{
    u32 field = p->type == TEXT_HISTOGRAM ? HISTOGRAM_ATTRIBUTES : NUMBER_ATTRIBUTES;
    u64 code;

    for (; labels->name; labels++) {
        const char *key = semantic_attribute(labels->name);

        if (labels->value.len == 0 || is_identity(labels->name))
            continue;
        if (strcmp(key, "http.response.status_code") == 0 && str_to_u64(labels->value, &code))
            identity_int(&p->attributes, field, key, (i64)code);
        else
            identity_text(&p->attributes, field, str_of(key), labels->value);
    }
}

/* A point with all but its value; *series is what it was. NULL: out of memory. */
static struct point *point_add(struct points *p, const struct label *labels, struct series **series,
                               bool *is_new)
{
    struct str app = label_find(labels, "app"), id = label_find(labels, "worker");
    const struct points_worker *worker;
    struct point *pt;
    u64 hash;

    if (str_eq(app, p->now.only_app))
        app = (struct str){ 0 };
    worker = id.len ? worker_of(p, app, id) : NULL;
    if (p->points == p->points_room) {
        u32 more = p->points_room ? p->points_room * 2 : 64;
        struct point *moved = reallocarray(p->point, more, sizeof(*moved));

        if (!moved)
            return NULL;
        p->point = moved;
        p->points_room = more;
    }
    pt = &p->point[p->points];
    *pt = (struct point){ .resource = resource_of(p, app, id, worker),
                          .at = (u32)p->attributes.len,
                          .start_ns = worker ? worker->started_ns : p->now.started_ns };
    attributes_add(p, labels);
    if (pt->resource == UINT32_MAX || p->attributes.failed)
        return NULL;
    pt->len = (u32)p->attributes.len - pt->at;
    hash = hash_str(&p->key, str_of(p->name)) * 5 + hash_str(&p->key, app) * 3 +
           hash_str(&p->key, id) +
           hash_str(&p->key, str_make(p->attributes.ptr + pt->at, pt->len)) * 7;
    *series = series_of(p, hash ? hash : 1, is_new);
    return *series ? pt : NULL;
}

/* From when on it counts, what it adds; false: there is nothing to tell. */
static bool point_settle(struct points *p, struct point *pt, struct series *s, bool is_new,
                         bool has_shrunk)
{
    if (is_new)
        s->start_ns = pt->start_ns;
    else if (has_shrunk)
        s->start_ns = max(p->told_ns, pt->start_ns);
    pt->start_ns = min(s->start_ns, p->now.time_ns);
    if (p->delta) {
        s->start_ns = p->now.time_ns;
        return !(p->is_first && p->is_late);
    }
    return true;
}

static void number(struct text_sink *sink, const struct label *labels, enum text_form form, u64 n)
{
    struct points *p = container_of(sink, struct points, sink);
    struct series *s;
    bool is_new, has_shrunk;
    struct point *pt = point_add(p, labels, &s, &is_new);

    if (!pt) {
        p->failed = true;
        return;
    }
    pt->form = form;
    pt->n = n;
    if (p->type == TEXT_COUNTER) {
        u64 before = s->value;

        has_shrunk = n < before;
        s->value = n;
        if (!point_settle(p, pt, s, is_new, has_shrunk))
            return;
        if (p->delta)
            pt->n = is_new || has_shrunk ? n : n - before;
        if (p->delta && pt->n == 0)
            return;
    }
    p->points++;
}

static void histogram(struct text_sink *sink, const struct label *labels, const u64 *le_ns,
                      u32 bounds, const u64 *cumulative, u64 sum_ns)
{
    struct points *p = container_of(sink, struct points, sink);
    struct series *s;
    bool is_new, has_shrunk = false;
    struct point *pt;
    u64 all = 0;

    assert(bounds < BUCKETS_MAX);
    memcpy(p->le_copy, le_ns, bounds * sizeof(*le_ns)); /* the same for all of a family */
    p->bounds = bounds;
    pt = point_add(p, labels, &s, &is_new);
    if (!pt) {
        p->failed = true;
        return;
    }
    for (u32 i = 0; i <= bounds; i++) {
        u64 n = cumulative[i] - (i ? min(cumulative[i - 1], cumulative[i]) : 0);

        has_shrunk |= n < s->bucket[i];
        pt->bucket[i] = n;
    }
    pt->n = sum_ns;
    if (p->delta && !is_new && !has_shrunk) {
        for (u32 i = 0; i <= bounds; i++)
            pt->bucket[i] -= s->bucket[i];
        pt->n = sum_ns - min(s->value, sum_ns);
    }
    for (u32 i = 0; i <= bounds; i++) {
        all += pt->bucket[i];
        s->bucket[i] = cumulative[i] - (i ? min(cumulative[i - 1], cumulative[i]) : 0);
    }
    s->value = sum_ns;
    if (point_settle(p, pt, s, is_new, has_shrunk) && !(p->delta && all == 0))
        p->points++;
}

/* ---- writing ---- */

static void number_write(struct points *p, struct buf *out, const struct point *pt, bool is_sum)
{
    size_t begun = protobuf_begin(out, DATA_POINTS);

    buf_add(out, str_make(p->attributes.ptr + pt->at, pt->len));
    if (is_sum)
        protobuf_fixed64(out, START, pt->start_ns);
    protobuf_fixed64(out, TIME, p->now.time_ns);
    switch (pt->form) {
    case TEXT_FORM_COUNT:
        protobuf_one_fixed64(out, AS_INT, min(pt->n, (u64)INT64_MAX));
        break;
    case TEXT_FORM_SECONDS:
        protobuf_double(out, AS_DOUBLE, (double)pt->n / NS_PER_S);
        break;
    case TEXT_FORM_MILLIONTHS:
        protobuf_double(out, AS_DOUBLE, (double)pt->n / 1e6);
        break;
    }
    protobuf_end(out, begun);
}

static void histogram_write(struct points *p, struct buf *out, const struct point *pt)
{
    size_t begun = protobuf_begin(out, DATA_POINTS);
    u64 bounds[BUCKETS_MAX], count = 0;

    for (u32 i = 0; i <= p->bounds; i++)
        count += pt->bucket[i];
    for (u32 i = 0; i < p->bounds; i++) {
        double s = (double)p->le_copy[i] / NS_PER_S;

        memcpy(&bounds[i], &s, sizeof(s));
    }
    buf_add(out, str_make(p->attributes.ptr + pt->at, pt->len));
    protobuf_fixed64(out, START, pt->start_ns);
    protobuf_fixed64(out, TIME, p->now.time_ns);
    protobuf_one_fixed64(out, COUNT_OF, count);
    protobuf_double(out, SUM_OF, (double)pt->n / NS_PER_S);
    protobuf_packed64(out, BUCKETS, pt->bucket, p->bounds + 1);
    protobuf_packed64(out, BOUNDS, bounds, p->bounds);
    protobuf_end(out, begun);
}

/* All points of one resource, as one Metric. */
static void metric_write(struct points *p, u32 resource)
{
    struct batch *b = p->batch;
    size_t begun = batch_begin(b), data;
    struct semantic as;
    bool is_histogram = p->type == TEXT_HISTOGRAM, is_sum;
    u32 n = 0;

    semantic_metric(&as, p->name, p->type);
    is_sum = p->type == TEXT_COUNTER || as.is_updown;
    protobuf_text(&b->bytes, NAME, str_of(as.name));
    protobuf_text(&b->bytes, DESCRIPTION, str_of(p->help));
    protobuf_text(&b->bytes, UNIT, str_of(as.unit));
    data = protobuf_begin(&b->bytes, is_histogram ? HISTOGRAM : is_sum ? SUM : GAUGE);
    for (u32 i = 0; i < p->points; i++) {
        if (p->point[i].resource != resource)
            continue;
        n++;
        if (is_histogram)
            histogram_write(p, &b->bytes, &p->point[i]);
        else
            number_write(p, &b->bytes, &p->point[i], is_sum);
    }
    if (is_histogram || is_sum)
        protobuf_u64(&b->bytes, TEMPORALITY, p->delta && !as.is_updown ? DELTA : CUMULATIVE);
    if (p->type == TEXT_COUNTER)
        protobuf_u64(&b->bytes, IS_MONOTONIC, 1);
    protobuf_end(&b->bytes, data);
    p->failed |= !batch_end(b, begun, resource, n);
}

static void family_end(struct points *p)
{
    for (u32 i = 0; i < p->points; i++) {
        bool is_first = true;

        for (u32 k = 0; k < i && is_first; k++)
            is_first = p->point[k].resource != p->point[i].resource;
        if (is_first)
            metric_write(p, p->point[i].resource);
    }
    p->points = 0;
    buf_clear(&p->attributes);
}

static void family(struct text_sink *sink, const char *name, enum text_type type, const char *help)
{
    struct points *p = container_of(sink, struct points, sink);

    family_end(p);
    p->name = name;
    p->type = type;
    p->help = help;
}

int points_new(struct points **out, const struct identity *id, bool delta, bool is_late)
{
    struct points *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->sink = (struct text_sink){ .family = family, .number = number, .histogram = histogram };
    p->identity = id;
    p->delta = delta;
    p->is_first = true;
    p->is_late = is_late;
    hash_key_random(&p->key);
    *out = p;
    return 0;
}

void points_free(struct points *p)
{
    if (!p)
        return;
    batch_free(p->batch);
    buf_done(&p->attributes);
    free(p->series);
    free(p->point);
    free(p);
}

struct text_sink *points_begin(struct points *p, const struct points_now *now)
{
    batch_free(p->batch);
    p->batch = batch_new();
    p->failed = !p->batch;
    p->now = *now;
    p->round++;
    return p->batch ? &p->sink : NULL;
}

struct batch *points_end(struct points *p)
{
    struct batch *b;

    if (!p->batch)
        return NULL;
    family_end(p);
    p->is_first = false;
    p->told_ns = p->now.time_ns;
    b = TAKE(p->batch, NULL);
    if (p->failed) {
        batch_free(b);
        return NULL;
    }
    return b;
}
