/* app/topic.h -- texts about settings that --help, the man page and doc/settings.md share */
#pragma once

#include "base/buf.h"
#include "conf/settings.h"

/* Paragraphs of full sentences: how a setting is written, and which place wins. */
extern const char *const topic_settings[];
extern const u32 topic_settings_count;

/* "NAME" of the flag as it is written with its value: "--max-memory SIZE", "--[no-]color". */
void topic_flag(const struct settings_row *row, struct buf *out);
/* What the setting is by default, "off"; empty when there is nothing to say. */
struct str topic_default(const struct settings_row *row);
/* "an app, a listener or a route": for what it may be said besides for all; nothing: for nothing.
 */
void topic_scope(const struct settings_row *row, struct buf *out);
/* What may be written: "a size from 16M to 64T, or off". */
void topic_values(const struct settings_row *row, struct buf *out);
