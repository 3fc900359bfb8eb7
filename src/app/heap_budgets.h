/* app/heap_budgets.h -- budgets of `fettle heap check`, from flags and from a file
 *
 * The file is JSON: {"max_total":"500M", "max_retained":{"Session":"5M"}, "max_count":{"Session":
 * 1000}, "max_growth":"1%", "max_class_growth":{"Session":"1%"}}.
 */
#pragma once

#include "app/heap_options.h"
#include "conf/json_value.h"
#include "heap/budget.h"

struct heap_budgets {
    struct budgets all;
    /* private: what `all` has views of */
    struct json_value *file;
};

/* -EINVAL with *p; -ENOMEM. `o` outlives it. The owner calls heap_budgets_done in any case. */
MUST_USE int heap_budgets_read(struct heap_budgets *b, const struct heap_options *o,
                               struct problem *p);
void heap_budgets_done(struct heap_budgets *b);
