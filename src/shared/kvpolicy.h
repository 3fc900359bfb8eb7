/* shared/kvpolicy.h -- who stays in a shard, and who makes room (W-TinyLFU, shared/kvstore.h)
 *
 * Under the lock. Work is bounded: an entry that stays is moved, and after so many of those in one
 * call the next one goes whatever is known of it.
 */
#pragma once

#include "shared/kvshard.h"

/* Where an entry of so many bytes begins: in *ring. False: it can have no room. */
MUST_USE bool kvpolicy_room(struct kvshard *s, u64 need, u64 now_ns, struct ringlog **ring,
                            u64 *at);
/* An entry was added: the window gives on what is too much for it, and what is too much for the
 * shard goes. */
void kvpolicy_settle(struct kvshard *s, u64 now_ns);
/* An entry of at most so many bytes can have room. */
u64 kvpolicy_largest(const struct kvshard *s);
