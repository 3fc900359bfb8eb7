/* app/sql_view.h -- what `fettle sql explain` says of a statement, as text and as JSON */
#pragma once

#include "sql/advice.h"
#include "sql/statement.h"

/* Adds a paragraph. `a` has an explanation; or `wrong` says why there is none. */
void sql_view_text(struct buf *out, const struct sql_statement *s, const struct advice *a,
                   const struct database *d, const char *wrong, bool colours);
/* Adds an object. */
void sql_view_json(struct buf *out, const struct sql_statement *s, const struct advice *a,
                   const struct database *d, const char *wrong);
