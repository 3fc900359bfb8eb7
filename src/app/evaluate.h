/* app/evaluate.h -- a configuration file that is a program, run by Node to plain data
 *
 * In a process of its own, with limits: it may take EVALUATE_NS, say CONFIG_BYTES_MAX of data and
 * a few KiB of messages. It ends when the data is there, whatever the file has left running.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "conf/json_value.h"

#define EVALUATE_NS (20 * NS_PER_S)

struct evaluate_ask {
    const char *node;  /* the program, absolute */
    const char *file;  /* absolute */
    const char *shown; /* the file, as people see it */
    bool expression;   /* the text is one expression, as JSON with comments is (pm2) */
    bool typescript;
};

/* Sets *answer to a document whose member "value" is what the file exports, to be freed by the
 * caller, and adds to `said` what it wrote for people. -EINVAL with *p for a mistake in the file,
 * with its own file and line; -ENOMEM. */
MUST_USE int evaluate_file(const struct evaluate_ask *ask, struct json_value **answer,
                           struct buf *said, struct problem *p);

/* Finds the place and the reason in what Node writes about an error that nobody caught: *p is
 * filled in. `shown` is the file where nothing better is found. */
void evaluate_error(struct str said, const char *shown, struct problem *p);
