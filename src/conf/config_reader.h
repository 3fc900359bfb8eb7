/* conf/config_reader.h -- what reads a file of settings (conf/config.c) shares with its parts
 *
 * Inside of conf/ only.
 */
#pragma once

#include "conf/config.h"

#define CONFIG_SHOWN(text) STR_ARG(str_sub(text, 0, 80))

struct config_reader {
    const struct config_from *from;
    struct settings *settings;
    struct config_app *app;
    struct findings *findings;
    struct str app_name; /* empty: outside of `apps` */
    bool has_apps;
    bool failed; /* out of memory */
};

/* «fettle.json:3: apps.shop.workers: …» */
void config_mistake(struct config_reader *r, const struct json_value *v, struct str key,
                    const struct problem *what);

#define CONFIG_MISTAKE(r, v, key, ...)          \
    do {                                        \
        struct problem what_ = { 0 };           \
        (void)problem_set(&what_, __VA_ARGS__); \
        config_mistake(r, v, key, &what_);      \
    } while (0)

/* "fettle.apps.shop." */
void config_prefix(const struct config_reader *r, struct buf *out);
bool config_too_many(struct config_reader *r, const struct json_value *v, struct str key);
/* That no name of an object before `v` is the same as its one. */
void config_twice_check(struct config_reader *r, const struct json_value *object, struct str name,
                        const struct json_value *v);
/* Sets a row, from here. */
void config_value_set(struct config_reader *r, const struct settings_row *row, struct str text,
                      u32 line);
/* A value that is not of the row's form. */
void config_form_mistake(struct config_reader *r, const struct json_value *v, struct str key,
                         const struct settings_row *row);
/* "max-memory" for maxMemory and max_memory. */
void config_kebab(struct str name, struct buf *out);

/* The keys `listeners` and `routes` (conf/config_places.c). */
void config_listeners_read(struct config_reader *r, const struct json_value *v);
void config_routes_read(struct config_reader *r, const struct json_value *v);
