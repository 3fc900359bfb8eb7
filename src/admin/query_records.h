/* admin/query_records.h -- the records of shm/calls.h, as journals.c hands them on
 *
 * Sums go to queries.h, what is repeated becomes a finding.
 */
#pragma once

#include "admin/journals.h"

void query_records_route(const struct journals_into *into, const struct journals_from *from,
                         const void *payload, u32 len);
void query_records_statement(const struct journals_into *into, const struct journals_from *from,
                             const void *payload, u32 len);
void query_records_sequential(const struct journals_into *into, const struct journals_from *from,
                              const void *payload, u32 len);
void query_records_repeated(const struct journals_into *into, const struct journals_from *from,
                            const void *payload, u32 len);
void query_records_slow(const struct journals_into *into, const struct journals_from *from,
                        const void *payload, u32 len);
