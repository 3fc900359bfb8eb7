/* balance/pathset.c -- the paths that stand for routes where an app names none */
#include "balance/pathset.h"

void pathset_init(struct pathset *s)
{
    pthread_mutex_init(&s->lock, NULL);
}

/* The part `text` below `parent`; 0: there is none. */
static u32 child(const struct pathset_app *a, u32 parent, struct str text)
{
    u32 nodes = atomic_load_explicit(&a->nodes, memory_order_acquire);

    for (u32 i = parent + 1; i <= nodes; i++) /* what is below another comes after it */
        if (a->node[i].parent == parent && str_eq(str_make(a->node[i].text, a->node[i].len), text))
            return i;
    return 0;
}

/* The same as it is looked up: whatever is not there is "*", if that is there. */
static u32 child_or_any(const struct pathset_app *a, u32 parent, struct str text)
{
    u32 found = child(a, parent, text);

    return found ? found : child(a, parent, STR("*"));
}

/* With the lock. 0: there is no room. */
static u32 child_add(struct pathset_app *a, u32 parent, struct str text)
{
    u32 at = atomic_load(&a->nodes) + 1;
    u32 most = parent ? PATHSET_CHILDREN_MAX : PATHSET_ROOT_CHILDREN_MAX;

    if (at >= PATHSET_NODES_MAX)
        return 0;
    if (a->node[parent].children >= most || text.len > PATHSET_PART_MAX)
        text = STR("*");
    a->node[at].parent = (u16)parent;
    a->node[at].len = (u8)text.len;
    if (text.len)
        memcpy(a->node[at].text, text.ptr, text.len);
    a->node[parent].children++;
    atomic_store_explicit(&a->nodes, at, memory_order_release);
    return at;
}

/* The node of a path; 0: it is not there. */
static u32 walk(struct pathset_app *a, struct str path, bool add)
{
    struct str rest = str_sub(path, 1, path.len);
    u32 at = 0;

    while (rest.ptr) {
        struct str part = str_cut(rest, '/', &rest);
        u32 next = child_or_any(a, at, part);

        if (!next && add && !str_eq(part, STR("*"))) /* which is ours to say */
            next = child_add(a, at, part);
        if (!next)
            return 0;
        at = next;
    }
    return at;
}

static struct str name_of(const struct pathset_app *a, u32 at, char out[SHM_ROUTE_MAX])
{
    u32 line[SHM_ROUTE_MAX], n = 0;
    size_t len = 0;

    for (; at && n < ARRAY_LEN(line); at = a->node[at].parent)
        line[n++] = at;
    while (n--) {
        const struct pathset_node *node = &a->node[line[n]];
        size_t part = min((size_t)node->len + 1, SHM_ROUTE_MAX - len);

        if (!part)
            break;
        out[len] = '/';
        memcpy(out + len + 1, node->text, part - 1);
        len += part;
    }
    return str_make(out, len);
}

/* With the lock: what another thread has added since is found again. */
static u32 path_add(struct pathset_app *a, struct str path)
{
    u32 at = walk(a, path, false);

    if (at && atomic_load(&a->node[at].is_end))
        return at;
    if (a->paths >= PATHSET_PATHS_MAX || (at = walk(a, path, true)) == 0)
        return 0;
    if (!atomic_load(&a->node[at].is_end)) { /* it may have ended at a "*" */
        atomic_store(&a->node[at].is_end, true);
        a->paths++;
    }
    return at;
}

struct str pathset_find(struct pathset *s, u32 app, struct str path, bool admit,
                        char out[SHM_ROUTE_MAX])
{
    struct pathset_app *a;
    u32 at;

    if (app >= SHM_APPS_MAX || path.len == 0 || path.ptr[0] != '/')
        return (struct str){ 0 };
    a = &s->app[app];
    at = walk(a, path, false);
    if (at && atomic_load(&a->node[at].is_end))
        return name_of(a, at, out);
    if (!admit)
        return (struct str){ 0 };
    pthread_mutex_lock(&s->lock);
    at = path_add(a, path);
    pthread_mutex_unlock(&s->lock);
    return at ? name_of(a, at, out) : STR("(other)");
}
