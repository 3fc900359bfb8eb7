/* profile/codemap.c -- a treap of address ranges that do not overlap */
#include "profile/codemap.h"

static struct code *at(const struct codemap *m, u32 node)
{
    return &m->code[node - 1];
}

/* Splits by begin: what is below `key` goes left. Depth is that of a random tree: about 50 for a
 * million; addresses do not choose priorities. */
static void split(struct codemap *m, u32 node, u64 key, u32 *left, u32 *right)
{
    while (node) {
        struct code *c = at(m, node);

        if (c->begin < key) {
            *left = node;
            left = &c->right;
            node = c->right;
        } else {
            *right = node;
            right = &c->left;
            node = c->left;
        }
    }
    *left = *right = 0;
}

static u32 join(struct codemap *m, u32 left, u32 right)
{
    u32 root = 0, *to = &root;

    while (left && right) {
        if (at(m, left)->priority > at(m, right)->priority) {
            *to = left;
            to = &at(m, left)->right;
            left = *to;
        } else {
            *to = right;
            to = &at(m, right)->left;
            right = *to;
        }
    }
    *to = left ? left : right;
    return root;
}

static u32 node_new(struct codemap *m)
{
    u32 node = m->unused;

    if (node) {
        m->unused = at(m, node)->left;
        return node;
    }
    if (m->codes == m->cap) {
        u32 cap = m->cap ? m->cap * 2 : 1024;
        struct code *more = cap > m->cap ? realloc(m->code, cap * sizeof(*more)) : NULL;

        if (!more)
            return 0;
        m->code = more;
        m->cap = cap;
    }
    return ++m->codes;
}

/* All of a subtree is free again; in place, by its left edge. */
static void nodes_free(struct codemap *m, u32 node)
{
    while (node) {
        u32 left = at(m, node)->left, right = at(m, node)->right;

        /* Turn right children up, so that no stack is needed. */
        if (right) {
            at(m, node)->right = at(m, right)->left;
            at(m, right)->left = node;
            node = right;
            continue;
        }
        at(m, node)->left = m->unused;
        m->unused = node;
        node = left;
    }
}

static u32 rightmost(const struct codemap *m, u32 node)
{
    while (node && at(m, node)->right)
        node = at(m, node)->right;
    return node;
}

bool codemap_add(struct codemap *m, u64 begin, u64 bytes, u32 what)
{
    u64 end = begin + bytes < begin ? UINT64_MAX : begin + bytes;
    u32 node, below, covered, above, last;

    if (!bytes)
        return true;
    node = node_new(m);
    if (!node)
        return false;
    m->seed = m->seed * 1664525 + 1013904223;
    *at(m, node) = (struct code){ begin, end, what, m->seed, 0, 0 };
    split(m, m->root, begin, &below, &above);
    split(m, above, end, &covered, &above);
    nodes_free(m, covered);
    last = rightmost(m, below);
    if (last && at(m, last)->end > begin) { /* it reaches into the new one */
        u32 gone;

        split(m, below, at(m, last)->begin, &below, &gone);
        nodes_free(m, gone);
    }
    m->root = join(m, join(m, below, node), above);
    return true;
}

/* Takes out what begins there; 0: nothing does. */
static u32 take(struct codemap *m, u64 begin)
{
    u32 below, node, above;

    split(m, m->root, begin, &below, &above);
    split(m, above, begin + 1, &node, &above);
    m->root = join(m, below, above);
    return node;
}

bool codemap_move(struct codemap *m, u64 from, u64 to)
{
    u32 node = from == UINT64_MAX ? 0 : take(m, from);
    struct code moved;

    if (!node)
        return true;
    moved = *at(m, node);
    nodes_free(m, node);
    return codemap_add(m, to, moved.end - moved.begin, moved.what);
}

void codemap_remove(struct codemap *m, u64 begin)
{
    if (begin != UINT64_MAX)
        nodes_free(m, take(m, begin));
}

bool codemap_library(struct codemap *m, u64 begin, u64 end, u32 what)
{
    if (m->libraries == m->library_cap) {
        u32 cap = m->library_cap ? m->library_cap * 2 : 32;
        struct code *more = realloc(m->library, cap * sizeof(*more));

        if (!more)
            return false;
        m->library = more;
        m->library_cap = cap;
    }
    m->library[m->libraries++] = (struct code){ .begin = begin, .end = end, .what = what };
    return true;
}

u32 codemap_find(const struct codemap *m, u64 address)
{
    for (u32 node = m->root; node;) {
        const struct code *c = at(m, node);

        if (address < c->begin)
            node = c->left;
        else if (address < c->end)
            return c->what;
        else
            node = c->right;
    }
    for (u32 i = 0; i < m->libraries; i++)
        if (m->library[i].begin <= address && address < m->library[i].end)
            return m->library[i].what;
    return CODEMAP_NONE;
}

void codemap_done(struct codemap *m)
{
    free(m->code);
    free(m->library);
    *m = (struct codemap){ 0 };
}
