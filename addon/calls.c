/* addon/calls.c -- statements by number, and what is told of them */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "sql/call_dialect.h"
#include "sql/fingerprint.h"
#include "sql/shape.h"

enum { BUCKETS = 1024 };

static struct {
    struct calls_statement at[CALLS_STATEMENTS_MAX]; /* that of number n at n % MAX */
    uint32_t bucket[BUCKETS];                        /* place + 1 of the newest; 0: none */
    uint32_t last;                                   /* the newest number */
} table;

static uint32_t *bucket_of(uint64_t hash)
{
    return &table.bucket[(hash ^ hash >> 32) % BUCKETS];
}

/* FNV-1a: of texts that the agent has made itself. */
static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

static void statement_drop(struct calls_statement *s)
{
    uint32_t place = (uint32_t)(s - table.at) + 1, *link = bucket_of(s->hash);

    while (*link && *link != place)
        link = &table.at[*link - 1].next;
    if (*link)
        *link = s->next;
    free(s->text);
    memset(s, 0, sizeof *s);
}

static uint32_t statement_new(uint64_t hash, uint32_t system, uint32_t shape, const char *text,
                              size_t len)
{
    struct calls_statement *s;
    char *copy = malloc(len + 1);
    uint32_t number = table.last + 1, *bucket;

    if (!copy)
        return 0;
    memcpy(copy, text, len);
    copy[len] = 0;
    if (number == 0)
        number = 1;
    s = &table.at[number % CALLS_STATEMENTS_MAX];
    if (s->number)
        statement_drop(s);
    bucket = bucket_of(hash);
    *s = (struct calls_statement){ hash, number, system, shape, (uint32_t)len, copy, *bucket };
    *bucket = (uint32_t)(s - table.at) + 1;
    table.last = number;
    return number;
}

uint32_t calls_statement(enum shm_call_system system, const char *text, size_t len, uint32_t given,
                         uint32_t *shape)
{
    static char normal[SHM_CALL_STATEMENT_MAX];
    enum sql_dialect dialect;
    bool is_sql = call_dialect(system, &dialect);
    size_t normal_len = len;
    uint64_t hash;

    if (is_sql)
        normal_len = sql_fingerprint(text, len, dialect, normal, sizeof normal, &hash);
    else
        hash = hash_of(text, len);
    hash ^= (uint64_t)system << 56;
    *shape = is_sql ? sql_shape(text, len, dialect) : given;
    for (uint32_t i = *bucket_of(hash); i; i = table.at[i - 1].next) {
        const struct calls_statement *s = &table.at[i - 1];
        if (s->hash == hash && s->system == system && s->shape == *shape)
            return s->number;
    }
    if (!is_sql && normal_len > SHM_CALL_STATEMENT_MAX)
        normal_len = SHM_CALL_STATEMENT_MAX;
    return statement_new(hash, system, *shape, is_sql ? normal : text, normal_len);
}

bool calls_statement_get(uint32_t number, struct calls_statement *out)
{
    const struct calls_statement *s = &table.at[number % CALLS_STATEMENTS_MAX];

    if (number == 0 || s->number != number)
        return false;
    *out = *s;
    return true;
}

bool calls_put(uint32_t type, const void *head, size_t bytes, const struct calls_text *texts,
               size_t count)
{
    static char payload[SHM_RECORD_MAX];
    size_t at = bytes;

    memcpy(payload, head, bytes);
    for (size_t i = 0; i < count; i++) {
        if (texts[i].len > sizeof payload - at)
            return false;
        memcpy(payload + at, texts[i].ptr, texts[i].len);
        at += texts[i].len;
    }
    return journal_put((enum shm_record_type)type, payload, (uint32_t)at);
}
