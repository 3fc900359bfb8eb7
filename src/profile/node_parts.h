/* profile/node_parts.h -- a long list of nodes, read by several threads
 *
 * Where a part begins is a guess: the bytes between two nodes of one list as V8 writes them. A part
 * is taken only when the part before it ends right there, which proves the guess; so what is read
 * is what one thread would read, functions in the same order. When it is not so, or anything is
 * wrong, nothing is taken, and the caller reads on by itself, as far as the mistake.
 */
#pragma once

#include "profile/raw_nodes.h"

enum { NODE_PARTS_LEAST = 1 << 20 }; /* bytes that are worth a thread */

/* Behind the '[' of a list, with r->count 0: whether it has been read, as far as its ']'. `members`
 * threads at most, each of at least `least` bytes. */
bool node_parts_read(struct raw_nodes *r, u32 members, size_t least);
