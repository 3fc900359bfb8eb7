/* heap/strtab.h -- the strings of a snapshot
 *
 * They stand at the end of the file and are a tenth of it or more: they stay there. One pass checks
 * them, notes where every sixteenth begins, and gives each a kind, a byte that says whether it is
 * one of the names that the analysis knows. A text is read again when somebody wants to see it.
 */
#pragma once

#include "base/buf.h"
#include "base/problem.h"
#include "heap/input.h"

/* What the analysis tells strings apart by. */
enum string_kind {
    STRING_PLAIN,
    STRING_NUMBER,          /* begins as a number: parseInt is not NaN */
    STRING_MARKUP,          /* "<div id=a>": its class is what stands before the blank */
    STRING_DETACHED_MARKUP, /* "Detached <div id=a>" */
    STRING_EPHEMERON, /* "7 / part of key (A @1) -> value (B @3) pair in WeakMap (table @5)" */
    STRING_DETACHED,  /* any other "Detached …" */
    STRING_CONTEXT,   /* "system / Context", "system / Context / …" */
    STRING_OBJECT,
    STRING_ARRAY,
    STRING_ELEMENTS,
    STRING_PROTO, /* "__proto__" */
    STRING_MAP_DESCRIPTORS,
    STRING_NATIVE_CONTEXT, /* "system / NativeContext" */
    STRING_SLOPPY_FUNCTION_MAP,
    STRING_EXTERNAL_DATA,     /* "system / ExternalStringData" */
    STRING_ARRAY_BUFFER_DATA, /* "system / JSArrayBufferData" */
    STRING_DOM_TREES,         /* "(Document DOM trees)" */
};

enum { STRTAB_STEP = 16 };

struct strtab {
    const struct input *in;
    u64 begin; /* offset behind the bracket */
    u32 count;
    u8 *kind; /* enum string_kind of each */
    /* private */
    u64 *offsets; /* of each STRTAB_STEP-th string's quote */
    u32 cap;
};

/* Finds and reads "strings" of a file. 0, -EINVAL with *p, -ENOMEM, -errno. The owner calls
 * strtab_done in any case. */
MUST_USE int strtab_read(struct strtab *t, const struct input *in, struct problem *p);
void strtab_done(struct strtab *t);

/* Reads texts through a window: those that stand near each other cost one read. */
struct strtab_reader {
    const struct strtab *t;
    /* private */
    char *buf;
    u64 offset; /* of buf[0] */
    size_t len;
    u32 index; /* the next one, at `at` */
    u64 at;
};

/* All zero but `t` is a reader; the owner calls it. */
void strtab_reader_done(struct strtab_reader *r);
/* Appends the text of string `index` as UTF-8 (a surrogate alone becomes U+FFFD), cut off near
 * `bytes_max`. False: there is no such string, or the file cannot be read any more. */
bool strtab_text(struct strtab_reader *r, u32 index, struct buf *out, size_t bytes_max);

/* An ephemeron's name: the id of its table, and where the part begins that the names of both of its
 * edges share. False: it is none. */
bool strtab_ephemeron(struct str name, u64 *table, size_t *shared_from);
/* The decimal number that `text` begins with, as parseInt(text, 10) has it; false: NaN. */
bool strtab_number(struct str text, u64 *out);
