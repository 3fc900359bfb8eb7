/* conf/package_json.h -- what a package.json says about starting it
 *
 * Views live as long as the struct package_json.
 */
#pragma once

#include "base/buf.h"
#include "base/problem.h"

struct json_value;
struct package_json;

/* Reads the file. -ENOENT when there is none; -EINVAL with *p, which has the file and the line, for
 * one that cannot be read as a JSON object of at most 4 MiB; -ENOMEM. */
MUST_USE int package_json_read(struct package_json **out, const char *path, struct problem *p);
/* The same from text; `path` is for *p only. */
MUST_USE int package_json_parse(struct package_json **out, struct str text, const char *path,
                                struct problem *p);
void package_json_free(struct package_json *pkg);

static inline void package_json_freep(struct package_json **pkg)
{
    package_json_free(*pkg);
}

/* Empty when missing or not a text. */
struct str package_json_name(const struct package_json *pkg);
struct str package_json_version(const struct package_json *pkg);
struct str package_json_main(const struct package_json *pkg);
/* The key `fettle`, with settings; NULL: there is none. */
const struct json_value *package_json_settings(const struct package_json *pkg);
/* Empty when there is no such script. */
struct str package_json_script(const struct package_json *pkg, struct str name);
/* Adds the names of all scripts, with ", " between them, at most `most`, then "…". */
void package_json_script_names(const struct package_json *pkg, u32 most, struct buf *out);
/* The script whose name is most like `name`; empty: none is near. */
struct str package_json_script_nearest(const struct package_json *pkg, struct str name);
