/* heap/string_texts.c -- prints of all strings that nodes are named by, and parts put together */
#include "heap/string_texts.h"

#include "base/hash.h"
#include "heap/edge_names.h"
#include "heap/vec.h"

#define NONE UINT32_MAX

enum { TEXT_BYTES_MAX = 1 << 20, WORD_BYTES_MAX = 16 };

/* Names of edges and nodes that say what a string is made of. */
enum word {
    WORD_NONE,
    WORD_FIRST,
    WORD_SECOND,
    WORD_TRUNCATED,
    WORD_LENGTH,
    WORD_HASH,
    WORD_VALUE,
    WORD_BOOL,
    WORD_INT,
    WORD_TRUE,
    WORD_COUNT,
};

/* What is known of a string of the table. */
struct known {
    u64 hash;
    u32 len;
    bool is_long; /* STRING_TEXTS_UNITS or more */
};

enum state { UNKNOWN, ASKED, SHORT, LONG };

/* A concatenated string. */
struct cons {
    u32 node;
    u32 part[2];
    u32 same_as; /* LONG: the node whose text it has, for what follows that does not show */
    enum state state;
    struct string_print print;
};

struct string_texts {
    const struct graph *g;
    struct edge_names names;
    struct strtab_reader reader;
    struct hash_key key;
    u8 *word;            /* [strings] */
    struct known *known; /* [strings] */
    struct cons *cons;   /* by node */
    u32 conses;
    bool has_cut; /* some edge may be called so */
    struct buf built;
    u32 units; /* of `built` */
};

bool string_texts_is(const struct graph *g, u32 node)
{
    enum node_type type = graph_type(g, node);

    return type == NODE_STRING || type == NODE_CONS_STRING || type == NODE_SLICED_STRING;
}

static bool is_cons(const struct string_texts *t, u32 node)
{
    return graph_type(t->g, node) == NODE_CONS_STRING;
}

static u32 utf16_units(struct str s)
{
    u32 units = 0;

    for (size_t i = 0; i < s.len; i++)
        units += ((u8)s.ptr[i] & 0xc0) != 0x80 ? 1 + ((u8)s.ptr[i] >= 0xf0) : 0;
    return units;
}

static enum word word_of(struct str text)
{
    static const char *const words[WORD_COUNT] = {
        [WORD_FIRST] = "first",   [WORD_SECOND] = "second", [WORD_TRUNCATED] = "truncated",
        [WORD_LENGTH] = "length", [WORD_HASH] = "hash",     [WORD_VALUE] = "value",
        [WORD_BOOL] = "bool",     [WORD_INT] = "int",       [WORD_TRUE] = "true",
    };

    for (u32 i = 1; i < WORD_COUNT; i++)
        if (str_eq(text, str_of(words[i])))
            return (enum word)i;
    return WORD_NONE;
}

/* One pass over the table, in its order: words by their texts, and prints of what nodes say. */
static int strings_read(struct string_texts *t, const u8 *used)
{
    AUTO(buf_done) struct buf text = { 0 };

    for (u32 i = 0; i < t->g->strings.count; i++) {
        buf_clear(&text);
        if (!strtab_text(&t->reader, i, &text, used[i] ? TEXT_BYTES_MAX : WORD_BYTES_MAX))
            return -EIO;
        if (text.failed)
            return -ENOMEM;
        t->word[i] = (u8)word_of(buf_str(&text));
        t->has_cut |= t->word[i] == WORD_TRUNCATED;
        if (used[i])
            t->known[i] = (struct known){ hash_str(&t->key, buf_str(&text)), (u32)text.len,
                                          utf16_units(buf_str(&text)) >= STRING_TEXTS_UNITS };
    }
    return 0;
}

/* The word that an internal edge is named by. */
static int edge_word(struct string_texts *t, u32 edge, enum word *out)
{
    u32 string;
    int r;

    *out = WORD_NONE;
    if (graph_edge_type(t->g->edge[edge]) != EDGE_INTERNAL)
        return 0;
    r = edge_names_string(&t->names, edge, &string);
    if (!r && string != NONE)
        *out = (enum word)t->word[string];
    return r;
}

static int parts_find(struct string_texts *t, struct cons *c)
{
    const struct graph *g = t->g;

    for (u32 e = g->first_edge[c->node];
         e < g->first_edge[c->node + 1] && (c->part[0] == NONE || c->part[1] == NONE); e++) {
        enum word word;
        int r = edge_word(t, e, &word);

        if (r)
            return r;
        if (word == WORD_FIRST || word == WORD_SECOND)
            c->part[word == WORD_SECOND] = graph_target(g->edge[e]);
    }
    return 0;
}

static int conses_find(struct string_texts *t)
{
    const struct graph *g = t->g;
    u32 cap = 0;

    for (u32 i = 0; i < g->node_count; i++)
        cap += is_cons(t, i);
    t->cons = malloc(((size_t)cap + 1) * sizeof(*t->cons));
    if (!t->cons)
        return -ENOMEM;
    for (u32 i = 0; i < g->node_count; i++) {
        if (!is_cons(t, i))
            continue;
        t->cons[t->conses] = (struct cons){ .node = i, .part = { NONE, NONE }, .same_as = i };
        int r = parts_find(t, &t->cons[t->conses++]);

        if (r)
            return r;
    }
    return 0;
}

static struct cons *cons_of(const struct string_texts *t, u32 node)
{
    u32 low = 0, high = t->conses;

    while (high - low > 1) {
        u32 mid = low + (high - low) / 2;

        if (t->cons[mid].node <= node)
            low = mid;
        else
            high = mid;
    }
    return &t->cons[low];
}

int string_texts_new(struct string_texts **out, const struct analysis *a)
{
    const struct graph *g = &a->g;
    AUTO(freep) u8 *used = calloc((size_t)g->strings.count + 1, 1);
    struct string_texts *t = calloc(1, sizeof(*t));
    int r;

    *out = t;
    if (!t || !used)
        return -ENOMEM;
    *t = (struct string_texts){ .g = g, .names.g = g, .reader.t = &g->strings };
    hash_key_random(&t->key);
    t->word = calloc((size_t)g->strings.count + 1, 1);
    t->known = calloc((size_t)g->strings.count + 1, sizeof(*t->known));
    if (!t->word || !t->known)
        return -ENOMEM;
    for (u32 i = 0; i < g->node_count; i++)
        if (string_texts_is(g, i))
            used[g->name[i]] = 1;
    r = strings_read(t, used);
    return r ? r : conses_find(t);
}

void string_texts_free(struct string_texts *t)
{
    if (!t)
        return;
    edge_names_done(&t->names);
    strtab_reader_done(&t->reader);
    buf_done(&t->built);
    free(t->word);
    free(t->known);
    free(t->cons);
    free(t);
}

/* ---- putting together ---- */

static int leaf_add(struct string_texts *t, u32 node, struct buf *out)
{
    if (!strtab_text(&t->reader, t->g->name[node], out, TEXT_BYTES_MAX))
        return -EIO;
    return out->failed ? -ENOMEM : 0;
}

/* DevTools takes node 0 for a part that is not there. */
static u32 part_of(const struct cons *c, u32 which)
{
    return c->part[which] == NONE ? 0 : c->part[which];
}

/* Goes on with `built`, part by part, as long as it is short. */
static int built_add(struct string_texts *t, u32 node)
{
    AUTO(vec_done) struct vec todo = { 0 };
    u32 steps = 0;

    if (!vec_push(&todo, node))
        return -ENOMEM;
    while (todo.len && t->units < STRING_TEXTS_UNITS && steps++ < STRING_TEXTS_STEPS_MAX) {
        u32 at = vec_pop(&todo);
        size_t before = t->built.len;
        const struct cons *c;
        int r;

        if (is_cons(t, at)) {
            c = cons_of(t, at);
            if (!vec_push(&todo, part_of(c, 1)) || !vec_push(&todo, part_of(c, 0)))
                return -ENOMEM;
            continue;
        }
        r = leaf_add(t, at, &t->built);
        if (r)
            return r;
        t->units += utf16_units(str_sub(buf_str(&t->built), before, t->built.len));
    }
    return 0;
}

/* One whose first part is known: `built` has its text, if that is short. */
static int cons_finish(struct string_texts *t, struct cons *c)
{
    u32 first = part_of(c, 0);
    int r;

    if (is_cons(t, first) && cons_of(t, first)->state == LONG) {
        const struct cons *f = cons_of(t, first);

        c->same_as = f->same_as;
        c->print = f->print;
        c->state = LONG;
        return 0;
    }
    r = built_add(t, part_of(c, 1));
    if (r)
        return r;
    c->print = (struct string_print){ hash_str(&t->key, buf_str(&t->built)), t->built.len };
    c->state = t->units >= STRING_TEXTS_UNITS ? LONG : SHORT;
    return 0;
}

/* A text of a thousand parts is the text before and one more: so first parts are known first. */
static int cons_know(struct string_texts *t, struct cons *c)
{
    AUTO(vec_done) struct vec chain = { 0 };
    u32 at = c->node;
    int r;

    while (is_cons(t, at) && cons_of(t, at)->state == UNKNOWN) {
        cons_of(t, at)->state = ASKED;
        if (!vec_push(&chain, at))
            return -ENOMEM;
        at = part_of(cons_of(t, at), 0);
    }
    buf_clear(&t->built);
    t->units = 0;
    /* The lowest first part: a text, or one that is known, or, in a circle, anything. */
    r = is_cons(t, at) && cons_of(t, at)->state == LONG ? 0 : built_add(t, at);
    while (!r && chain.len)
        r = cons_finish(t, cons_of(t, vec_pop(&chain)));
    return r;
}

int string_texts_add(struct string_texts *t, u32 node, struct buf *out)
{
    int r;

    if (!is_cons(t, node))
        return leaf_add(t, node, out);
    if (cons_of(t, node)->state == UNKNOWN) {
        r = cons_know(t, cons_of(t, node));
        if (r)
            return r;
    }
    buf_clear(&t->built);
    t->units = 0;
    r = built_add(t, cons_of(t, node)->same_as);
    buf_add(out, buf_str(&t->built));
    return r ? r : out->failed ? -ENOMEM : 0;
}

int string_texts_print(struct string_texts *t, u32 node, struct string_print *out)
{
    const struct known *k = &t->known[t->g->name[node]];
    struct cons *c;
    int r = 0;

    *out = (struct string_print){ k->hash, k->len };
    if (!is_cons(t, node))
        return 0;
    c = cons_of(t, node);
    if (c->state == UNKNOWN)
        r = cons_know(t, c);
    *out = c->print;
    return r;
}

int string_texts_is_flat(struct string_texts *t, u32 node, bool *out)
{
    *out = false;
    if (!is_cons(t, node))
        return 0;
    for (u32 i = 0; i < 2 && !*out; i++) {
        u32 part = cons_of(t, node)->part[i];
        struct string_print print;
        int r;

        if (part == NONE || !string_texts_is(t->g, part))
            continue;
        r = string_texts_print(t, part, &print);
        if (r)
            return r;
        *out = !print.len;
    }
    return 0;
}

/* ---- cut off ---- */

/* The node that an internal edge of this name leads to first, or NONE. */
static int target_of(struct string_texts *t, u32 node, enum word wanted, u32 *out)
{
    const struct graph *g = t->g;

    *out = NONE;
    for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
        enum word word;
        int r = edge_word(t, e, &word);

        if (r)
            return r;
        if (word == wanted) {
            *out = graph_target(g->edge[e]);
            return 0;
        }
    }
    return 0;
}

/* The string behind a number's node of this kind; NONE: it is no such number. */
static int value_of(struct string_texts *t, u32 node, enum word kind, u32 *out)
{
    u32 target;
    int r;

    *out = NONE;
    if (node == NONE || graph_type(t->g, node) != NODE_NUMBER || t->word[t->g->name[node]] != kind)
        return 0;
    r = target_of(t, node, WORD_VALUE, &target);
    if (!r && target != NONE)
        *out = t->g->name[target];
    return r;
}

static int int_of(struct string_texts *t, u32 node, enum word name, bool *has, i64 *out)
{
    AUTO(buf_done) struct buf text = { 0 };
    u32 target, string;
    char digits[32];
    char *end;
    int r = target_of(t, node, name, &target);

    *has = false;
    if (!r)
        r = value_of(t, target, WORD_INT, &string);
    if (r || string == NONE)
        return r;
    if (!strtab_text(&t->reader, string, &text, sizeof(digits)))
        return -EIO;
    str_to_cstr(buf_str(&text), digits, sizeof(digits));
    *out = strtoll(digits, &end, 10);
    *has = end != digits;
    return 0;
}

int string_texts_cut(struct string_texts *t, u32 node, struct string_cut *out)
{
    u32 target, string;
    int r;

    *out = (struct string_cut){ 0 };
    if (!t->has_cut)
        return 0;
    r = target_of(t, node, WORD_TRUNCATED, &target);
    if (!r)
        r = value_of(t, target, WORD_BOOL, &string);
    if (r || string == NONE || t->word[string] != WORD_TRUE)
        return r;
    out->yes = true;
    r = int_of(t, node, WORD_LENGTH, &out->has_length, &out->length);
    return r ? r : int_of(t, node, WORD_HASH, &out->has_hash, &out->hash);
}
