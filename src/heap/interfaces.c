/* heap/interfaces.c -- shapes, the popular ones, and who belongs to them */
#include "heap/interfaces.h"

#include "heap/vec.h"

enum { NAME_UNITS_MAX = 120, OBJECTS_MIN = 2, OBJECTS_SHARE = 1000 };

/* Plain objects with the same properties in the same order. */
struct shape {
    u64 hash;
    u64 begin; /* in names */
    u32 len;
    u32 count; /* objects */
};

/* A beginning of shapes that may become a class. */
struct candidate {
    u64 hash;
    u64 begin;
    u32 len;
    u32 blank; /* how many properties at its beginning have no name: they do not show */
    u32 order; /* of first sight */
    u64 count;
};

struct inference {
    struct graph *g;
    struct names *names;
    struct vec sequence; /* the property names (strings) of all shapes */
    struct shape *shape;
    u32 shapes, shapes_cap, *shape_slot, shape_slots;
    struct candidate *candidate;
    u32 candidates, *candidate_slot, candidate_slots;
    u64 objects;
    u16 *units; /* of each string: its name's length within an interface's name, UTF-16 */
};

static u64 mix(u64 hash, u32 x)
{
    return ((hash << 5 | hash >> 59) ^ x) * 0x517cc1b727220a95ull;
}

static u64 hash_of(const u32 *name, u32 len)
{
    u64 hash = len;

    for (u32 i = 0; i < len; i++)
        hash = mix(hash, name[i]);
    return hash ^ hash >> 32;
}

/* None may be at NULL. */
static bool same_names(const u32 *a, const u32 *b, u32 len)
{
    return !len || memcmp(a, b, len * sizeof(u32)) == 0;
}

static bool shapes_grow(struct inference *f)
{
    u32 slots = f->shape_slots ? f->shape_slots * 2 : 1024, *slot;

    if (f->shapes == f->shapes_cap) {
        u32 cap = f->shapes_cap ? f->shapes_cap * 2 : 512;
        struct shape *shape = realloc(f->shape, cap * sizeof(*shape));

        if (!shape)
            return false;
        f->shape = shape;
        f->shapes_cap = cap;
    }
    if (f->shapes < f->shape_slots / 2)
        return true;
    slot = calloc(slots, sizeof(u32));
    if (!slot)
        return false;
    for (u32 i = 0; i < f->shapes; i++) {
        u32 at = (u32)f->shape[i].hash & (slots - 1);

        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = i + 1;
    }
    free(f->shape_slot);
    f->shape_slot = slot;
    f->shape_slots = slots;
    return true;
}

/* The shape of these properties; UINT32_MAX: out of memory. */
static u32 shape_of(struct inference *f, const u32 *name, u32 len)
{
    u64 hash = hash_of(name, len);
    u32 at;

    if (!shapes_grow(f))
        return UINT32_MAX;
    for (at = (u32)hash & (f->shape_slots - 1); f->shape_slot[at];
         at = (at + 1) & (f->shape_slots - 1)) {
        struct shape *s = &f->shape[f->shape_slot[at] - 1];

        if (s->hash == hash && s->len == len && same_names(f->sequence.at + s->begin, name, len)) {
            s->count++;
            return f->shape_slot[at] - 1;
        }
    }
    f->shape[f->shapes] = (struct shape){ hash, f->sequence.len, len, 1 };
    for (u32 i = 0; i < len; i++)
        if (!vec_push(&f->sequence, name[i]))
            return UINT32_MAX;
    f->shape_slot[at] = f->shapes + 1;
    return f->shapes++;
}

/* Reads on through the chunks of property names, giving back what has been read. */
struct names_cursor {
    struct property_names *p;
    u32 chunk, at;
};

static u32 cursor_next(struct names_cursor *c)
{
    struct property_chunk *chunk = &c->p->chunk[c->chunk];
    u32 name = chunk->name[c->at++];

    if (c->at == chunk->count) {
        free(chunk->name);
        chunk->name = NULL;
        c->chunk++;
        c->at = 0;
    }
    return name;
}

static int shapes_find(struct inference *f)
{
    struct graph *g = f->g;
    struct names_cursor cursor = { .p = &g->properties };
    AUTO(vec_done) struct vec own = { 0 };

    for (u32 i = 0; i < g->node_count; i++) {
        if (!(graph_flags(g, i) & GRAPH_PLAIN))
            continue;
        f->objects++;
        own.len = 0;
        for (u32 e = g->first_edge[i]; e < g->first_edge[i + 1]; e++)
            if (graph_edge_type(g->edge[e]) == EDGE_PROPERTY &&
                !vec_push(&own, cursor_next(&cursor)))
                return -ENOMEM;
        g->name[i] = shape_of(f, own.at, (u32)own.len);
        if (g->name[i] == UINT32_MAX)
            return -ENOMEM;
    }
    return 0;
}

static bool needs_quotes(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (memchr(",'\"{}", name.ptr[i], 5))
            return true;
    return false;
}

/* A property's name within an interface's: as JSON.stringify has it where it could be mistaken. */
static void add_property(struct buf *out, struct str name)
{
    if (!needs_quotes(name)) {
        buf_add(out, name);
        return;
    }
    buf_addc(out, '"');
    buf_add_json(out, name);
    buf_addc(out, '"');
}

/* Characters as JavaScript counts them. */
static u32 utf16_units(struct str s)
{
    u32 units = 0;

    for (size_t i = 0; i < s.len; i++)
        units += ((u8)s.ptr[i] & 0xc0) != 0x80 ? 1 + ((u8)s.ptr[i] >= 0xf0) : 0;
    return units;
}

static int units_measure(struct inference *f)
{
    const struct graph *g = f->g;
    AUTO(strtab_reader_done) struct strtab_reader r = { .t = &g->strings };
    AUTO(buf_done) struct buf text = { 0 }, shown = { 0 };
    u32 count = g->strings.count;

    f->units = calloc(count + 1, sizeof(u16));
    if (!f->units)
        return -ENOMEM;
    for (size_t i = 0; i < f->sequence.len; i++)
        f->units[f->sequence.at[i]] = 1;
    for (u32 i = 0; i < count; i++) {
        if (!f->units[i])
            continue;
        buf_clear(&text);
        buf_clear(&shown);
        if (!strtab_text(&r, i, &text, 1024))
            return -EIO;
        add_property(&shown, buf_str(&text));
        f->units[i] = (u16)min(utf16_units(buf_str(&shown)), (u32)UINT16_MAX);
    }
    return 0;
}

/* Copies the properties that the name of an interface would show: as many as fit. */
static u32 shown_of(const struct inference *f, const struct shape *s, struct vec *out)
{
    u32 units = 1; /* the brace */

    out->len = 0;
    for (u32 i = 0; i < s->len; i++) {
        u32 name = f->sequence.at[s->begin + i];

        if (f->g->strings.kind[name] == STRING_PROTO)
            continue;
        if (units > 1 && units + f->units[name] > NAME_UNITS_MAX)
            break;
        units += f->units[name] + (units != 1 ? 2 : 0);
        if (!vec_push(out, name))
            return UINT32_MAX;
    }
    return (u32)out->len;
}

/* What the name of an interface shows makes it: who begins with nameless properties is of one with
 * those who have none. */
static int candidate_count(struct inference *f, const u32 *name, u32 len, u32 objects)
{
    u32 blank = 0, at;
    u64 hash;

    while (blank < len && !f->units[name[blank]])
        blank++;
    hash = hash_of(name + blank, len - blank);
    at = (u32)hash & (f->candidate_slots - 1);

    for (; f->candidate_slot[at]; at = (at + 1) & (f->candidate_slots - 1)) {
        struct candidate *c = &f->candidate[f->candidate_slot[at] - 1];

        if (c->hash == hash && c->len - c->blank == len - blank &&
            same_names(f->sequence.at + c->begin + c->blank, name + blank, len - blank)) {
            c->count += objects;
            return 0;
        }
    }
    f->candidate[f->candidates] =
        (struct candidate){ hash, f->sequence.len, len, blank, f->candidates, objects };
    for (u32 i = 0; i < len; i++)
        if (!vec_push(&f->sequence, name[i]))
            return -ENOMEM;
    f->candidate_slot[at] = ++f->candidates;
    return 0;
}

static int by_count(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* The most popular first; those below the limit are dropped. */
static int candidates_find(struct inference *f)
{
    AUTO(vec_done) struct vec shown = { 0 };
    u32 slots = 16, kept = 0;

    while (slots < f->shapes * 2)
        slots *= 2;
    f->candidate_slots = slots;
    f->candidate_slot = calloc(slots, sizeof(u32));
    f->candidate = malloc((f->shapes + 1) * sizeof(*f->candidate));
    if (!f->candidate_slot || !f->candidate)
        return -ENOMEM;
    for (u32 i = 0; i < f->shapes; i++) {
        u32 len = shown_of(f, &f->shape[i], &shown);

        if (len == UINT32_MAX)
            return -ENOMEM;
        if (len) {
            int r = candidate_count(f, shown.at, len, f->shape[i].count);

            if (r)
                return r;
        }
    }
    qsort(f->candidate, f->candidates, sizeof(*f->candidate), by_count);
    while (kept < f->candidates && f->candidate[kept].count >= OBJECTS_MIN &&
           f->candidate[kept].count * OBJECTS_SHARE >= f->objects)
        kept++;
    f->candidates = kept;
    return 0;
}

static u32 interface_name(struct inference *f, const struct candidate *c)
{
    AUTO(strtab_reader_done) struct strtab_reader r = { .t = &f->g->strings };
    AUTO(buf_done) struct buf name = { 0 }, text = { 0 };

    buf_addc(&name, '{');
    for (u32 i = 0; i < c->len; i++) {
        buf_clear(&text);
        if (!strtab_text(&r, f->sequence.at[c->begin + i], &text, 64 << 10))
            return NAMES_FAILED;
        if (i > c->blank)
            buf_add(&name, STR(", "));
        add_property(&name, buf_str(&text));
    }
    buf_addc(&name, '}');
    return name.failed ? NAMES_FAILED : names_intern(f->names, buf_str(&name));
}

/* A property that occurs `times` in an interface. */
struct posting {
    u32 property, interface, times;
};

struct matcher {
    struct posting *posting; /* by property */
    u32 postings;
    u32 *matched; /* [candidates]: properties of the shape at hand that it has */
    u32 *name;    /* [candidates] */
};

static int by_property(const void *a, const void *b)
{
    const struct posting *x = a, *y = b;

    if (x->property != y->property)
        return x->property < y->property ? -1 : 1;
    return x->interface < y->interface ? -1 : x->interface > y->interface;
}

static int by_number(const void *a, const void *b)
{
    const u32 *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static int matcher_build(struct inference *f, struct matcher *m)
{
    u64 total = 0;
    u32 out = 0;

    for (u32 i = 0; i < f->candidates; i++)
        total += f->candidate[i].len;
    m->posting = malloc((total + 1) * sizeof(*m->posting));
    m->matched = calloc(f->candidates + 1, sizeof(u32));
    m->name = malloc((f->candidates + 1) * sizeof(u32));
    if (!m->posting || !m->matched || !m->name)
        return -ENOMEM;
    for (u32 i = 0; i < f->candidates; i++) {
        m->name[i] = interface_name(f, &f->candidate[i]);
        if (m->name[i] == NAMES_FAILED)
            return -ENOMEM;
        for (u32 k = 0; k < f->candidate[i].len; k++)
            m->posting[m->postings++] =
                (struct posting){ f->sequence.at[f->candidate[i].begin + k], i, 1 };
    }
    qsort(m->posting, m->postings, sizeof(*m->posting), by_property);
    for (u32 i = 0; i < m->postings; i++) {
        struct posting *p = &m->posting[i];

        if (out && by_property(&m->posting[out - 1], p) == 0)
            m->posting[out - 1].times++;
        else
            m->posting[out++] = *p;
    }
    m->postings = out;
    return 0;
}

static u32 first_posting(const struct matcher *m, u32 property)
{
    u32 low = 0, high = m->postings;

    while (low < high) {
        u32 mid = low + (high - low) / 2;

        if (m->posting[mid].property < property)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The interface with the most properties that the shape has all of; UINT32_MAX: none. `property`
 * holds the shape's, sorted. */
static u32 match(const struct inference *f, struct matcher *m, const u32 *property, u32 len)
{
    u32 best = UINT32_MAX, best_len = 0;

    for (u32 i = 0, next; i < len; i = next) {
        for (next = i + 1; next < len && property[next] == property[i];)
            next++;
        for (u32 k = first_posting(m, property[i]);
             k < m->postings && m->posting[k].property == property[i]; k++) {
            u32 c = m->posting[k].interface, has = min(next - i, m->posting[k].times);

            m->matched[c] += has;
            if (m->matched[c] == f->candidate[c].len &&
                (f->candidate[c].len > best_len || (f->candidate[c].len == best_len && c < best))) {
                best = c;
                best_len = f->candidate[c].len;
            }
        }
    }
    for (u32 i = 0; i < len; i++)
        for (u32 k = first_posting(m, property[i]);
             k < m->postings && m->posting[k].property == property[i]; k++)
            m->matched[m->posting[k].interface] = 0;
    return best;
}

static int shapes_assign(struct inference *f, struct matcher *m, struct interfaces *out)
{
    u32 plain = names_intern(f->names, STR("Object"));

    out->class_of_shape = malloc((f->shapes + 1) * sizeof(u32));
    if (!out->class_of_shape || plain == NAMES_FAILED)
        return -ENOMEM;
    for (u32 i = 0; i < f->shapes; i++) {
        u32 *property = f->shape[i].len ? f->sequence.at + f->shape[i].begin : NULL, best;

        /* Nobody needs the order of a shape any more: candidates have copies. */
        if (f->shape[i].len)
            qsort(property, f->shape[i].len, sizeof(u32), by_number);
        best = match(f, m, property, f->shape[i].len);
        out->class_of_shape[i] = best == UINT32_MAX ? plain : m->name[best];
    }
    out->shape_count = f->shapes;
    return 0;
}

int interfaces_infer(struct interfaces *in, struct graph *g, struct names *names)
{
    struct inference f = { .g = g, .names = names };
    struct matcher m = { 0 };
    int r = shapes_find(&f);

    *in = (struct interfaces){ 0 };
    if (!r)
        r = units_measure(&f);
    if (!r)
        r = candidates_find(&f);
    if (!r)
        r = matcher_build(&f, &m);
    if (!r)
        r = shapes_assign(&f, &m, in);
    vec_done(&f.sequence);
    free(f.shape);
    free(f.shape_slot);
    free(f.candidate);
    free(f.candidate_slot);
    free(f.units);
    free(m.posting);
    free(m.matched);
    free(m.name);
    return r;
}

void interfaces_done(struct interfaces *in)
{
    free(in->class_of_shape);
    *in = (struct interfaces){ 0 };
}
