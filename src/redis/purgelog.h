/* redis/purgelog.h -- what was purged lately, by any host
 *
 * Hosts tell each other by a stream in Redis, whose ids are one order for all of them. A response
 * says up to which id its host knew of purges when it asked the app; it is outdated when a later
 * one is about it, and also when so many came since that they are not all known. So nobody compares
 * clocks. Bounded; any thread, one of which adds.
 */
#pragma once

#include "base/buf.h"
#include "cache/store.h"
#include "redis/respreader.h"
#include "redis/tierentry.h"

enum { PURGELOG_MAX = 1024 };

struct purgelog;

MUST_USE int purgelog_new(struct purgelog **out);
void purgelog_free(struct purgelog *log);

/* Begins anew: those up to `floor` are not known. It is not true until it is said to be. */
void purgelog_reset(struct purgelog *log, struct purge_id floor);
/* Whether it has all that there were: false as soon as it may lack one. */
void purgelog_set(struct purgelog *log, bool is_true);
/* One more; the app by its name (empty: any). -ENOMEM: the log is not true any more. */
MUST_USE int purgelog_add(struct purgelog *log, struct purge_id id, struct str app,
                          const struct store_purge *p);
/* False: the log is not true just now; *out is the last one of it all the same. */
bool purgelog_last(struct purgelog *log, struct purge_id *out);
/* Whether what was asked for when `seen` was the last one may have been purged. */
MUST_USE bool purgelog_has(struct purgelog *log, struct purge_id seen, struct str app,
                           struct str path, struct str tags);

/* "1764180000123-0". */
MUST_USE bool purge_id_read(struct purge_id *out, struct str text);
enum { PURGE_ID_TEXT_MAX = 48 };
struct str purge_id_text(struct purge_id id, char room[PURGE_ID_TEXT_MAX]);
