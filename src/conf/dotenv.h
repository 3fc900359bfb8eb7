/* conf/dotenv.h -- the variables of a .env file
 *
 *   # a comment
 *   export PORT=3000            # `export` may stand there, and a comment after a value
 *   GREETING="Hello\nWorld"     double quotes: \n is the end of a line
 *   KEY='-----BEGIN KEY-----
 *   …'                          a value in quotes ('…', "…", `…`) may have several lines
 *
 * As Node reads it (--env-file, util.parseEnv; Node 22 to 26), but for four things in which Node
 * surprises: a comment may be indented wherever it stands, «A= » with blanks alone after it does
 * not take the next line for its value, «export A=» names A, and a byte order mark is passed over.
 * Nothing in a value is replaced ($B stays $B). Pure.
 */
#pragma once

#include "base/strings.h"
#include "conf/findings.h"

enum { DOTENV_BYTES_MAX = 1 << 20, DOTENV_VARS_MAX = 4096 };

/* Adds "NAME=value" for each variable, in the order of the file: the last one of a name counts.
 * What does not do what it looks like is a warning in `f`, what cannot be is a mistake; neither
 * shows a value, which may be a secret. -ENOMEM. */
MUST_USE int dotenv_read(struct str text, const char *file, struct strings *vars,
                         struct findings *f);

/* The same for a file, which is read. -errno of that, -EFBIG when it is larger than
 * DOTENV_BYTES_MAX. */
MUST_USE int dotenv_load(const char *path, struct strings *vars, struct findings *f);
