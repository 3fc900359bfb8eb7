/* base/list.h -- a doubly linked list whose links live in their owners
 *
 * The head is a link of its own. A link that is in no list points to itself,
 * so taking it out twice is harmless. list_init before use.
 */
#pragma once

#include "base/base.h"

struct list {
    struct list *prev;
    struct list *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts `link` before `at`: with the head as `at`, at the end. */
static inline void list_add(struct list *at, struct list *link)
{
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}

static inline void list_add_first(struct list *head, struct list *link)
{
    list_add(head->next, link);
}

static inline void list_del(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Moves all of `from` to the end of `to`; `from` is empty after it. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_first(head, type, member) container_of((head)->next, type, member)
#define list_last(head, type, member) container_of((head)->prev, type, member)
#define list_each(link, head) \
    for (struct list *link = (head)->next; link != (head); link = link->next)
/* The same where the body may take `link` itself out. */
#define list_each_safe(link, head)                                                    \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
         link = link##_next, link##_next = link->next)
