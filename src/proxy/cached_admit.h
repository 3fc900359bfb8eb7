/* proxy/cached_admit.h -- the step of admission that may answer a request from the cache */
#pragma once

#include "cache/cachekey.h"
#include "proxy/admission.h"

enum admission cached_admit(struct exchange *x);

/* The key of a request, or of the same one for another path (ptr NULL: its own); as cachekey_make.
 */
MUST_USE bool cached_key(struct exchange *x, struct str path, struct digest *out,
                         char name[CACHEKEY_NAME_MAX], u32 *len);
/* The same on all hosts, which know the app by its name and have the same listeners. */
MUST_USE bool cached_shared_key(struct exchange *x, struct str path, const struct digest_keys *keys,
                                struct digest *out, char name[CACHEKEY_NAME_MAX], u32 *len);
