/* profile/json_scan.h -- JSON (RFC 8259) read in one pass, without a tree
 *
 * For files of a gigabyte, of which numbers are what counts: the reader asks for what it expects,
 * and skips the rest. The first thing that is wrong ends it: every question is answered with false
 * from then on, and the problem says at which offset what is wrong.
 *
 * struct json_list l = { 0 };
 * if (json_scan_open(s, '{'))
 *     while (json_scan_member(s, &l, &key)) { if (str_eq(key, …)) json_scan_number(s, &x); else
 * json_scan_skip(s); }
 */
#pragma once

#include "base/buf.h"
#include "base/problem.h"

enum { JSON_SCAN_DEPTH_MAX = 1000 };

struct json_scan {
    const char *begin, *at, *end;
    struct problem *problem;
    bool failed;
    /* private */
    struct buf text; /* of the last string with escapes */
    struct buf key;
};

struct json_list {
    bool any; /* private: something has been read of it */
};

/* `bytes` and `p` outlive the scan; the owner calls json_scan_done. */
void json_scan_init(struct json_scan *s, struct str bytes, struct problem *p);
void json_scan_done(struct json_scan *s);

/* Fails the scan: «offset 12: …». Returns false. */
bool json_scan_fail(struct json_scan *s, const char *what);

/* '{' or '['. */
bool json_scan_open(struct json_scan *s, char bracket);
/* The next member's key, a view until the next key; its value has to be read next. False at the
 * end. */
bool json_scan_member(struct json_scan *s, struct json_list *l, struct str *key);
/* Whether there is another element, which has to be read next. */
bool json_scan_element(struct json_scan *s, struct json_list *l);

/* The first byte of the next value, '\0' at the end. */
char json_scan_peek(struct json_scan *s);
bool json_scan_number(struct json_scan *s, double *out);
/* A view until the next string; a surrogate alone becomes U+FFFD. */
bool json_scan_text(struct json_scan *s, struct str *out);
/* Any value. What is in a list without texts and lists, of numbers mostly, is not looked at. */
bool json_scan_skip(struct json_scan *s);
/* The text of the object that begins here, as far as its first '}': all of it if it has no other
 * one. Empty when none begins here, or it is long. Nothing is read. */
struct str json_scan_flat(struct json_scan *s);
/* Nothing but blanks is left. */
bool json_scan_end(struct json_scan *s);
