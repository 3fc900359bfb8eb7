/* conf/settings_value.c -- a value of each type: from text, and back */
#include "conf/settings_value.h"

#include "conf/units.h"

static_assert(sizeof(enum settings_log) == sizeof(u32), "SETTINGS_ENUM stores a u32");

/* For "%.*s": enough of a value to be recognised. */
#define SHOWN(value) STR_ARG(str_sub(value, 0, 80))

static void *field_of(const struct settings_values *to, const struct settings_row *row)
{
    return (char *)to->fields + row->offset;
}

static const void *field_in(const void *fields, const struct settings_row *row)
{
    return (const char *)fields + row->offset;
}

static bool is_off(const struct settings_row *row, struct str value)
{
    return row->flags & SETTINGS_ZERO_OFF &&
           (str_eq_nocase(value, STR("off")) || str_eq(value, STR("0")));
}

typedef void number_text_fn(u64 n, struct buf *out);

static int range_check(const struct settings_row *row, struct str value, u64 n,
                       number_text_fn *text, struct problem *p)
{
    AUTO(buf_done) struct buf range = { 0 };

    if (n >= row->least && (row->most == 0 || n <= row->most))
        return 0;
    buf_add(&range, STR("from "));
    text(row->least, &range);
    buf_add(&range, STR(" to "));
    text(row->most, &range);
    return problem_set(p, "\"%.*s\" is out of range; write a value %.*s%s", SHOWN(value),
                       STR_ARG(buf_str(&range)), row->flags & SETTINGS_ZERO_OFF ? ", or off" : "");
}

static void count_text(u64 n, struct buf *out)
{
    buf_addu(out, n);
}

static int bool_read(const struct settings_values *to, const struct settings_row *row,
                     struct str value, struct problem *p)
{
    static const char *const words[] = { "off", "on", "no", "yes", "false", "true", "0", "1" };

    for (u32 i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(value, str_of(words[i]))) {
            *(bool *)field_of(to, row) = i % 2;
            return 0;
        }
    }
    return problem_set(p, "\"%.*s\" is neither on nor off", SHOWN(value));
}

static void bool_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    buf_add(out, *(const bool *)field_in(fields, row) ? STR("on") : STR("off"));
}

static int count_read(const struct settings_values *to, const struct settings_row *row,
                      struct str value, struct problem *p)
{
    u64 n = 0;
    int err;

    if (!(row->words && str_eq_nocase(value, str_of(row->words)))) {
        if (!str_to_u64(value, &n))
            return problem_set(p, "\"%.*s\" is not a whole number; write one from %llu to %llu%s%s",
                               SHOWN(value), (unsigned long long)row->least,
                               (unsigned long long)row->most, row->words ? ", or " : "",
                               row->words ? row->words : "");
        err = range_check(row, value, n, count_text, p);
        if (err)
            return err;
    }
    *(u32 *)field_of(to, row) = (u32)n;
    return 0;
}

static void count_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    u32 n = *(const u32 *)field_in(fields, row);

    if (n == 0 && row->words)
        buf_add(out, str_of(row->words));
    else
        buf_addu(out, n);
}

static int range_read(const struct settings_values *to, const struct settings_row *row,
                      struct str value, struct problem *p)
{
    struct settings_range *range = field_of(to, row);
    struct str most, least = str_cut(value, '-', &most);
    u64 from = 0, till;
    bool is_word = row->words && str_eq_nocase(value, str_of(row->words));
    int err = 0;

    if (!is_word && (!str_to_u64(least, &from) || (most.ptr && !str_to_u64(most, &till))))
        return problem_set(p,
                           "\"%.*s\" is not a number; write one from %llu to %llu, or two for a "
                           "least and a most, such as 2-8%s%s",
                           SHOWN(value), (unsigned long long)row->least,
                           (unsigned long long)row->most, row->words ? ", or " : "",
                           row->words ? row->words : "");
    if (is_word || !most.ptr)
        till = from;
    if (!is_word)
        err = range_check(row, value, from, count_text, p);
    if (!is_word && !err)
        err = range_check(row, value, till, count_text, p);
    if (!err && till < from)
        err = problem_set(p, "\"%.*s\" has the most before the least; write %llu-%llu",
                          SHOWN(value), (unsigned long long)till, (unsigned long long)from);
    if (!err)
        *range = (struct settings_range){ (u32)from, (u32)till };
    return err;
}

static void range_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    const struct settings_range *range = field_in(fields, row);

    if (range->most == 0 && row->words)
        buf_add(out, str_of(row->words));
    else
        buf_addu(out, range->least);
    if (range->most != range->least)
        buf_addf(out, "-%u", range->most);
}

static int size_read(const struct settings_values *to, const struct settings_row *row,
                     struct str value, struct problem *p)
{
    u64 n = 0;
    int err;

    if (!is_off(row, value)) {
        if (!units_size_parse(value, &n))
            return problem_set(p,
                               "\"%.*s\" is not a size; write a number with K, M or G, such as "
                               "512M%s",
                               SHOWN(value), row->flags & SETTINGS_ZERO_OFF ? ", or off" : "");
        err = range_check(row, value, n, units_size_text, p);
        if (err)
            return err;
    }
    *(u64 *)field_of(to, row) = n;
    return 0;
}

static void size_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    u64 n = *(const u64 *)field_in(fields, row);

    if (n == 0 && row->flags & SETTINGS_ZERO_OFF)
        buf_add(out, STR("off"));
    else
        units_size_text(n, out);
}

static int duration_read(const struct settings_values *to, const struct settings_row *row,
                         struct str value, struct problem *p)
{
    u64 n = 0;
    int err;

    if (!is_off(row, value)) {
        if (!units_duration_parse(value, &n))
            return problem_set(p,
                               "\"%.*s\" is not a duration; write a number with its unit, such "
                               "as 500ms, 10s or 2m%s",
                               SHOWN(value), row->flags & SETTINGS_ZERO_OFF ? ", or off" : "");
        err = range_check(row, value, n, units_duration_text, p);
        if (err)
            return err;
    }
    *(u64 *)field_of(to, row) = n;
    return 0;
}

static void duration_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    u64 n = *(const u64 *)field_in(fields, row);

    if (n == 0 && row->flags & SETTINGS_ZERO_OFF)
        buf_add(out, STR("off"));
    else
        units_duration_text(n, out);
}

static int text_read(const struct settings_values *to, const struct settings_row *row,
                     struct str value, struct problem *p)
{
    if (row->flags & SETTINGS_EMPTY_OFF && str_eq_nocase(value, STR("off")))
        value = STR("");
    if (value.len && value.len < row->least)
        return problem_set(p, "it has %zu bytes; at least %llu are needed", value.len,
                           (unsigned long long)row->least);
    if (row->most && value.len > row->most)
        return problem_set(p, "it has %zu bytes; at most %llu are possible", value.len,
                           (unsigned long long)row->most);
    for (size_t i = 0; i < value.len; i++)
        if ((u8)value.ptr[i] < 32 || value.ptr[i] == 127)
            return problem_set(p, "it holds a control character (byte %u at place %zu)",
                               (u8)value.ptr[i], i + 1);
    if (row->check && row->type == SETTINGS_TEXT && value.len) {
        int err = row->check(value, p);

        if (err)
            return err;
    }
    return settings_text_put(to->texts, field_of(to, row), value);
}

static void text_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    const struct str *text = field_in(fields, row);

    buf_add(out, text->len == 0 && row->flags & SETTINGS_EMPTY_OFF ? STR("off") : *text);
}

/* "a, b or c" of "a|b|c", with hash:cookie= shown as hash:cookie=NAME. */
static void words_add(struct buf *out, const char *words)
{
    struct str rest = str_of(words), word;

    while (rest.ptr) {
        word = str_cut(rest, '|', &rest);
        buf_add(out, word);
        if (str_ends(word, STR("=")))
            buf_add(out, STR("NAME"));
        if (rest.ptr)
            buf_add(out, str_index(rest, '|') < 0 ? STR(" or ") : STR(", "));
    }
}

static int word_problem(const struct settings_row *row, struct str value, struct problem *p)
{
    AUTO(buf_done) struct buf words = { 0 };

    words_add(&words, row->words);
    return problem_set(p, "\"%.*s\" is not known; write %.*s", SHOWN(value),
                       STR_ARG(buf_str(&words)));
}

static int enum_read(const struct settings_values *to, const struct settings_row *row,
                     struct str value, struct problem *p)
{
    struct str rest = str_of(row->words);

    for (u32 i = 0; rest.ptr; i++) {
        if (str_eq_nocase(value, str_cut(rest, '|', &rest))) {
            *(u32 *)field_of(to, row) = i;
            return 0;
        }
    }
    return word_problem(row, value, p);
}

static struct str word_at(const char *words, u32 index)
{
    struct str rest = str_of(words), word = str_cut(rest, '|', &rest);

    while (index-- && rest.ptr)
        word = str_cut(rest, '|', &rest);
    return word;
}

static void enum_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    buf_add(out, word_at(row->words, *(const u32 *)field_in(fields, row)));
}

static int address_read(const struct settings_values *to, const struct settings_row *row,
                        struct str value, struct problem *p)
{
    struct endpoint e;
    int err = endpoint_parse(value, &e, p);

    if (!err && e.kind == ENDPOINT_UNIX)
        err = settings_text_put(to->texts, &e.path, e.path);
    if (!err)
        *(struct endpoint *)field_of(to, row) = e;
    return err;
}

static void address_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    endpoint_text(field_in(fields, row), out);
}

/* The names that Express knows too. */
static const struct {
    const char *name;
    const char *ranges;
} named_ranges[] = {
    { "loopback", "127.0.0.0/8,::1/128" },
    { "linklocal", "169.254.0.0/16,fe80::/10" },
    { "uniquelocal", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7" },
};

static int cidrs_add(struct settings_cidrs *list, struct str value, struct problem *p)
{
    struct str rest = value, item;
    struct cidr range;
    u32 i;
    int err;

    while (rest.ptr) {
        item = str_trim(str_cut(rest, ',', &rest));
        if (item.len == 0)
            continue;
        for (i = 0; i < ARRAY_LEN(named_ranges); i++)
            if (str_eq_nocase(item, str_of(named_ranges[i].name)))
                break;
        if (i < ARRAY_LEN(named_ranges)) {
            err = cidrs_add(list, str_of(named_ranges[i].ranges), p);
            if (err)
                return err;
            continue;
        }
        if (!cidr_parse(item, &range))
            return problem_set(p,
                               "\"%.*s\" is not a range of addresses; write 10.0.0.0/8, "
                               "192.168.1.4, fc00::/7, loopback, linklocal, uniquelocal or unix",
                               SHOWN(item));
        if (list->count == SETTINGS_CIDRS_MAX)
            return problem_set(p, "there are more than %d ranges; join some of them",
                               SETTINGS_CIDRS_MAX);
        list->range[list->count++] = range;
    }
    return 0;
}

/* A list grows while the same source adds to it; settings_set empties it when another begins. */
static int cidrs_read(const struct settings_values *to, const struct settings_row *row,
                      struct str value, struct problem *p)
{
    struct settings_cidrs *list = field_of(to, row);
    u32 count = list->count;
    int err = cidrs_add(list, value, p);

    if (err)
        list->count = count;
    return err;
}

/* Lines are values one below the other, none of which can hold the end of a line. */
static int lines_read(const struct settings_values *to, const struct settings_row *row,
                      struct str value, struct problem *p)
{
    AUTO(buf_done) struct buf all = { 0 };
    struct str *lines = field_of(to, row), had = *lines;
    int err = text_read(to, row, value, p);

    if (err || had.len == 0)
        return err;
    buf_addf(&all, "%.*s\n%.*s", STR_ARG(had), STR_ARG(value));
    if (!all.failed)
        return settings_text_put(to->texts, lines, buf_str(&all));
    *lines = had;
    return -ENOMEM;
}

/* Commas between, and none within. */
static int list_read(const struct settings_values *to, const struct settings_row *row,
                     struct str value, struct problem *p)
{
    AUTO(buf_done) struct buf all = { 0 };
    struct str *list = field_of(to, row), had = *list, rest = value, item;
    int err = text_read(to, row, value, p); /* for its checks, and for "off" */

    if (err || list->len == 0)
        return err;
    *list = had;
    buf_add(&all, had);
    while (rest.ptr) {
        item = str_trim(str_cut(rest, ',', &rest));
        if (item.len == 0)
            return problem_set(p, "\"%.*s\" has an empty entry; write values with commas between",
                               SHOWN(value));
        buf_addf(&all, "%s%.*s", all.len ? "," : "", STR_ARG(item));
    }
    if (all.len > SETTINGS_VALUE_MAX)
        return problem_set(p, "all of it together has %zu bytes; at most %d are possible", all.len,
                           SETTINGS_VALUE_MAX);
    if (row->check && !all.failed)
        err = row->check(buf_str(&all), p);
    if (err)
        return err;
    return all.failed ? -ENOMEM : settings_text_put(to->texts, list, buf_str(&all));
}

static void cidrs_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    const struct settings_cidrs *list = field_in(fields, row);
    char text[ADDR_TEXT_MAX];

    for (u32 i = 0; i < list->count; i++) {
        const struct cidr *c = &list->range[i];

        if (i)
            buf_addc(out, ',');
        buf_add(out, addr_ip_text(&c->base, text));
        if (c->base.family != AF_UNIX)
            buf_addf(out, "/%u", c->bits);
    }
}

/* A cookie's or a field's name: RFC 9110 section 5.6.2. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((u8)s.ptr[i] <= 32 || (u8)s.ptr[i] >= 127 || strchr("\"(),/:;<=>?@[\\]{}", s.ptr[i]))
            return false;
    return s.len > 0 && s.len <= 128;
}

static int balance_read(const struct settings_values *to, const struct settings_row *row,
                        struct str value, struct problem *p)
{
    struct settings_balance b = { 0 };
    struct str rest = str_of(row->words), word;
    int err = 0;

    for (u32 i = 0; rest.ptr; i++) {
        word = str_cut(rest, '|', &rest);
        b.by = (enum settings_balance_by)i;
        if (str_ends(word, STR("=")) ? str_starts_nocase(value, word) : str_eq_nocase(value, word))
            break;
        word.ptr = NULL;
    }
    if (!word.ptr)
        return word_problem(row, value, p);
    if (str_ends(word, STR("="))) {
        b.key = str_sub(value, word.len, value.len);
        if (!is_token(b.key))
            return problem_set(p, "\"%.*s\" is not the name of a cookie or header field",
                               SHOWN(b.key));
        err = settings_text_put(to->texts, &b.key, b.key);
    }
    if (!err)
        *(struct settings_balance *)field_of(to, row) = b;
    return err;
}

static void balance_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    const struct settings_balance *b = field_in(fields, row);

    buf_add(out, word_at(row->words, b->by));
    buf_add(out, b->key);
}

static void percent_text(u64 n, struct buf *out)
{
    u64 rest = n % 1000;

    buf_addu(out, n / 1000);
    if (rest % 10)
        buf_addf(out, ".%03u", (u32)rest);
    else if (rest % 100)
        buf_addf(out, ".%02u", (u32)rest / 10);
    else if (rest)
        buf_addf(out, ".%u", (u32)rest / 100);
    buf_addc(out, '%');
}

static int percent_read(const struct settings_values *to, const struct settings_row *row,
                        struct str value, struct problem *p)
{
    u64 n = 0;
    int err;

    if (!is_off(row, value)) {
        if (!units_percent_parse(value, &n))
            return problem_set(p, "\"%.*s\" is not a percentage; write one such as 10%% or 0.5%%%s",
                               SHOWN(value), row->flags & SETTINGS_ZERO_OFF ? ", or off" : "");
        err = n == 0 && row->flags & SETTINGS_ZERO_OFF
                  ? 0
                  : range_check(row, value, n, percent_text, p);
        if (err)
            return err;
    }
    *(u32 *)field_of(to, row) = (u32)n;
    return 0;
}

static void percent_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    u32 n = *(const u32 *)field_in(fields, row);

    if (n == 0 && row->flags & SETTINGS_ZERO_OFF)
        buf_add(out, STR("off"));
    else
        percent_text(n, out);
}

static int outcomes_read(const struct settings_values *to, const struct settings_row *row,
                         struct str value, struct problem *p)
{
    return outcomes_parse(value, field_of(to, row), p);
}

static void outcomes_write(const void *fields, const struct settings_row *row, struct buf *out)
{
    outcomes_text(field_in(fields, row), out);
}

const struct settings_reader settings_readers[] = {
    [SETTINGS_BOOL] = { bool_read, bool_write },
    [SETTINGS_COUNT] = { count_read, count_write },
    [SETTINGS_RANGE] = { range_read, range_write },
    [SETTINGS_SIZE] = { size_read, size_write },
    [SETTINGS_DURATION] = { duration_read, duration_write },
    [SETTINGS_TEXT] = { text_read, text_write },
    [SETTINGS_PATH] = { text_read, text_write },
    [SETTINGS_LINES] = { lines_read, text_write },
    [SETTINGS_LIST] = { list_read, text_write },
    [SETTINGS_ENUM] = { enum_read, enum_write },
    [SETTINGS_ADDRESS] = { address_read, address_write },
    [SETTINGS_CIDRS] = { cidrs_read, cidrs_write },
    [SETTINGS_BALANCE] = { balance_read, balance_write },
    [SETTINGS_PERCENT] = { percent_read, percent_write },
    [SETTINGS_OUTCOMES] = { outcomes_read, outcomes_write },
};

int settings_value_read(const struct settings_values *to, const struct settings_row *row,
                        struct str value, struct problem *p)
{
    bool may_be_empty = row->type == SETTINGS_TEXT || row->type == SETTINGS_PATH ||
                        row->type == SETTINGS_LINES || row->type == SETTINGS_LIST ||
                        row->type == SETTINGS_CIDRS;

    if (value.len > max(row->most, (u64)SETTINGS_VALUE_MAX) ||
        (value.len > SETTINGS_VALUE_MAX && row->type != SETTINGS_TEXT))
        return problem_set(p, "it has %zu bytes; at most %d are possible", value.len,
                           SETTINGS_VALUE_MAX);
    if (value.len == 0 && !may_be_empty)
        return problem_set(p, "the value is empty");
    return settings_readers[row->type].read(to, row, value, p);
}
