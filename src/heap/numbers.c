/* heap/numbers.c -- blocks of an array: counted in order, parsed side by side */
#include "heap/numbers.h"

#include "base/team.h"
#include "heap/digits.h"

#include <sched.h>
#include <stdatomic.h>

/* Text that a record which begins in a block may go on for behind it. */
enum { TAIL = 1024, BUF = DIGITS_BEFORE + NUMBERS_BLOCK + TAIL + DIGITS_AFTER };
/* The most numbers that begin in a block, with what a record needs behind it. */
enum { VALUES_MAX = NUMBERS_BLOCK / 2 + NUMBERS_FIELDS_MAX + 1 };

struct job {
    struct numbers *n;
    numbers_take *take;
    void *ctx;
    const struct progress_sink *progress;
    _Atomic u64 next;    /* block to be taken */
    _Atomic u64 counted; /* blocks whose commas are known */
    _Atomic u64 last;    /* the block with the closing bracket; U64_MAX: not seen */
    _Atomic bool failed;
    /* The failure at the smallest offset. */
    atomic_flag lock;
    u64 failed_at;
    int status;
    struct problem *problem;
};

/* A block's text: buf[DIGITS_BEFORE…], `len` bytes of it, `tail` more behind them. */
struct block {
    char *buf;
    u32 *values;
    const char *text;
    size_t len, tail;
    u64 index, offset;
};

static void fail(struct job *j, u64 at, int status, const struct problem *p)
{
    while (atomic_flag_test_and_set(&j->lock))
        sched_yield();
    if (!j->status || at < j->failed_at) {
        j->status = status;
        j->failed_at = at;
        if (p)
            *j->problem = *p;
    }
    atomic_flag_clear(&j->lock);
    atomic_store(&j->failed, true);
}

static int block_read(const struct numbers *n, u64 index, struct block *b)
{
    ssize_t got;

    b->index = index;
    b->offset = n->begin + index * NUMBERS_BLOCK;
    got = input_read(n->in, b->offset, b->buf + DIGITS_BEFORE, NUMBERS_BLOCK + TAIL);
    if (got < 0)
        return (int)got;
    b->text = b->buf + DIGITS_BEFORE;
    b->len = (size_t)min(got, (ssize_t)NUMBERS_BLOCK);
    b->tail = (size_t)got - b->len;
    return 0;
}

/* Ends the block at the closing bracket, if it has one. */
static bool block_close(struct block *b)
{
    const char *bracket = memchr(b->text, ']', b->len);

    if (!bracket) {
        bracket = memchr(b->text + b->len, ']', b->tail);
        if (bracket)
            b->tail = (size_t)(bracket - b->text) - b->len;
        return false;
    }
    b->len = (size_t)(bracket - b->text);
    b->tail = 0;
    return true;
}

static bool is_blank(const char *p, const char *end)
{
    while (p < end && (u8)*p <= ' ')
        p++;
    return p == end;
}

/* The text behind `commas` commas. */
static const char *behind(const char *p, const char *end, u64 commas)
{
    for (; commas; commas--) {
        p = memchr(p, ',', (size_t)(end - p));
        if (!p)
            return NULL;
        p++;
    }
    return p;
}

/* Where in [text, end) the first `count` numbers stop being numbers. */
static const char *bad_at(const char *text, const char *end, u64 count)
{
    const char *p = text;

    for (u64 i = 0; i < count; i++) {
        u32 value;
        const char *begin = p, *stop = memchr(p, ',', (size_t)(end - p));

        if (!stop)
            stop = end;
        while (begin < stop && (u8)*begin <= ' ')
            begin++;
        /* A number by itself, with as many blanks as it likes. */
        for (const char *q = begin; q < stop; q++)
            if (!(*q >= '0' && *q <= '9') && (u8)*q > ' ')
                return q;
        if (begin == stop || !digits_read(begin, stop, &value, 1))
            return begin;
        if (stop == end)
            return end;
        p = stop + 1;
    }
    return text;
}

static void describe(struct problem *p, const struct numbers *n, u64 offset, const char *at,
                     const char *end)
{
    char shown[24];
    size_t len = 0;

    for (; len < sizeof(shown) - 1 && at + len < end && at[len] != ','; len++)
        shown[len] = at[len] > ' ' && at[len] < 0x7f ? at[len] : '?';
    shown[len] = '\0';
    if (len)
        problem_set(
            p, "offset %llu: \"%s\" is no number of \"%s\", which are whole, from 0 to 4294967295",
            (unsigned long long)offset, shown, n->name);
    else
        problem_set(p, "offset %llu: a number of \"%s\" is missing", (unsigned long long)offset,
                    n->name);
}

struct range {
    u64 first;   /* record */
    u32 records; /* that begin in the block */
    u64 skip;    /* commas before the first of them */
};

/* Which records begin in a block with `commas` commas, `before` of them before it. */
static struct range range_of(const struct numbers *n, u64 index, u64 before, u64 commas)
{
    u64 first = index ? before + 1 : 0;             /* number that begins behind the first comma */
    u64 end = before + commas + 1;                  /* behind the last one */
    u64 from = (first + n->fields - 1) / n->fields; /* record */
    u64 to = (end + n->fields - 1) / n->fields;

    return (struct range){ from, to > from ? (u32)(to - from) : 0,
                           from * n->fields - first + (index ? 1 : 0) };
}

/* Parses the records of the block and hands them over. */
static void block_take(struct job *j, u32 member, struct block *b, u64 before, u64 commas)
{
    const struct numbers *n = j->n;
    struct range r = range_of(n, b->index, before, commas);
    const char *end = b->text + b->len + b->tail, *text;
    struct problem p = { 0 };
    u32 bad;

    if (!r.records)
        return;
    if (n->records != NUMBERS_ANY && r.first + r.records > n->records) {
        problem_set(&p, "offset %llu: \"%s\" holds more than the %llu records that the header says",
                    (unsigned long long)b->offset, n->name, (unsigned long long)n->records);
        fail(j, b->offset, -EINVAL, &p);
        return;
    }
    text = behind(b->text, end, r.skip);
    if (!text || !digits_read(text, end, b->values, r.records * n->fields)) {
        const char *at = text ? bad_at(text, end, (u64)r.records * n->fields) : end;

        describe(&p, n, b->offset + (u64)(at - b->text), at, end);
        fail(j, b->offset + (u64)(at - b->text), -EINVAL, &p);
        return;
    }
    bad = j->take(j->ctx, member, r.first, b->values, r.records, &p);
    if (bad != r.records) {
        const char *at = behind(text, end, (u64)bad * n->fields);
        u64 offset = b->offset + (u64)(at - b->text);
        char what[sizeof(p.text)];

        while (at < end && (u8)*at <= ' ')
            at++, offset++;
        memcpy(what, p.text, sizeof(what));
        problem_set(&p, "offset %llu: %s", (unsigned long long)offset, what);
        fail(j, offset, -EINVAL, &p);
    }
}

/* Waits until the block before is counted; false: there is no need any more. */
static bool wait_turn(struct job *j, u64 index)
{
    u32 spins = 0;

    while (atomic_load_explicit(&j->counted, memory_order_acquire) != index) {
        if (atomic_load(&j->failed) || atomic_load(&j->last) < index)
            return false;
        if (++spins > 64)
            sched_yield();
    }
    return !atomic_load(&j->failed) && atomic_load(&j->last) > index;
}

/* Behind the last block: nothing but whole records, and all of them. */
static void finish(struct job *j, const struct block *b, u64 before, u64 commas)
{
    const struct numbers *n = j->n;
    u64 numbers = before + commas + 1;
    struct problem p = { 0 };

    if (numbers == 1 && is_blank(b->text, b->text + b->len))
        numbers = 0;
    if (n->records == NUMBERS_ANY && numbers % n->fields == 0) {
        j->n->records = numbers / n->fields;
        return;
    }
    if (n->records != NUMBERS_ANY && numbers == n->records * n->fields)
        return;
    if (n->records == NUMBERS_ANY)
        problem_set(&p,
                    "offset %llu: \"%s\" ends after %llu numbers, which are no whole records of %u",
                    (unsigned long long)n->end, n->name, (unsigned long long)numbers, n->fields);
    else
        problem_set(
            &p, "offset %llu: \"%s\" ends after %llu numbers; the header says %llu records of %u",
            (unsigned long long)n->end, n->name, (unsigned long long)numbers,
            (unsigned long long)n->records, n->fields);
    fail(j, n->end, -EINVAL, &p);
}

static void member_main(void *ctx, u32 member)
{
    struct job *j = ctx;
    struct numbers *n = j->n;
    struct block b = { .buf = calloc(1, BUF), .values = calloc(VALUES_MAX, sizeof(u32)) };

    if (!b.buf || !b.values)
        fail(j, 0, -ENOMEM, NULL);
    while (!atomic_load(&j->failed)) {
        u64 index = atomic_fetch_add(&j->next, 1), commas, before;
        bool closed;
        int r;

        if (index > atomic_load(&j->last))
            break;
        r = block_read(n, index, &b);
        closed = !r && block_close(&b);
        commas = r ? 0 : digits_commas(b.text, b.len);
        if (!wait_turn(j, index))
            break;
        if (!r && !closed && b.len < NUMBERS_BLOCK) {
            struct problem p = { 0 };

            problem_set(&p, "offset %llu: the file ends inside of \"%s\": it is cut off",
                        (unsigned long long)(b.offset + b.len), n->name);
            fail(j, b.offset, -EINVAL, &p);
        } else if (r) {
            fail(j, b.offset, r, NULL);
        } else if (index + 1 >= n->blocks_max && !closed) {
            fail(j, b.offset, -EINVAL, NULL);
        }
        if (atomic_load(&j->failed))
            break;
        before = n->commas[index];
        n->blocks = index + 1;
        if (closed) {
            n->end = b.offset + b.len;
            atomic_store(&j->last, index);
        } else {
            n->commas[index + 1] = before + commas;
        }
        atomic_store_explicit(&j->counted, index + 1, memory_order_release);
        if (closed)
            finish(j, &b, before, commas);
        if (!closed || commas || index || !is_blank(b.text, b.text + b.len))
            block_take(j, member, &b, before, commas);
        if (member == 0 && j->progress && j->progress->at && index % 64 == 0)
            j->progress->at(j->progress->ctx, n->name, b.offset, n->in->size);
    }
    free(b.buf);
    free(b.values);
}

int numbers_read(struct numbers *n, u32 members, numbers_take *take, void *ctx,
                 const struct progress_sink *progress, struct problem *p)
{
    struct job j = { .n = n, .take = take, .ctx = ctx, .progress = progress, .problem = p };
    u64 left = n->in->size > n->begin ? n->in->size - n->begin : 0;

    assert(n->fields && n->fields <= NUMBERS_FIELDS_MAX);
    n->blocks_max = left / NUMBERS_BLOCK + 2;
    n->commas = calloc(n->blocks_max, sizeof(u64));
    if (!n->commas)
        return -ENOMEM;
    atomic_init(&j.last, UINT64_MAX);
    team_run((u32)min((u64)members, n->blocks_max), member_main, &j);
    if (j.status)
        return j.status;
    {
        u64 *fit = realloc(n->commas, n->blocks * sizeof(u64));

        if (fit)
            n->commas = fit;
    }
    return 0;
}

void numbers_done(struct numbers *n)
{
    free(n->commas);
    n->commas = NULL;
}

/* The block in which a number begins: the last one with fewer commas before it. */
static u64 block_of(const struct numbers *n, u64 number)
{
    u64 low = 0, high = n->blocks;

    while (high - low > 1) {
        u64 mid = low + (high - low) / 2;

        if (n->commas[mid] < number)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* As many of `count` records as begin in the block of the first: how many, -errno. */
static i64 records_of_block(const struct numbers *n, struct block *b, u64 first, u32 count,
                            u32 *values, u64 *offset)
{
    u64 index = block_of(n, first * n->fields), commas;
    struct range r;
    const char *end, *text;
    u32 take;
    int e = block_read(n, index, b);

    if (e)
        return e;
    block_close(b);
    commas = digits_commas(b->text, b->len);
    r = range_of(n, index, n->commas[index], commas);
    end = b->text + b->len + b->tail;
    if (first < r.first || first >= r.first + r.records)
        return -EIO; /* the file has changed */
    take = (u32)min((u64)count, r.first + r.records - first);
    text = behind(b->text, end, r.skip + (first - r.first) * n->fields);
    if (!text || !digits_read(text, end, values, take * n->fields))
        return -EIO;
    *offset = b->offset + (u64)(text - b->text);
    return take;
}

int numbers_records(const struct numbers *n, u64 first, u32 count, u32 *values)
{
    AUTO(freep) char *buf = calloc(1, BUF);
    struct block b = { .buf = buf };
    u64 offset;

    if (!buf)
        return -ENOMEM;
    if (first + count > n->records)
        return -ERANGE;
    while (count) {
        i64 got = records_of_block(n, &b, first, count, values, &offset);

        if (got < 0)
            return (int)got;
        first += (u64)got;
        values += got * n->fields;
        count -= (u32)got;
    }
    return 0;
}

i64 numbers_record(const struct numbers *n, u64 record, u32 *values)
{
    AUTO(freep) char *buf = calloc(1, BUF);
    struct block b = { .buf = buf };
    u64 offset = 0;
    i64 got;

    if (!buf)
        return -ENOMEM;
    if (record >= n->records)
        return -ERANGE;
    got = records_of_block(n, &b, record, 1, values, &offset);
    return got < 0 ? got : (i64)offset;
}
