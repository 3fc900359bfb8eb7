/* conf/outcomes.c -- what can become of an attempt */
#include "conf/outcomes.h"

static const char *const kind_words[] = { "connect-failure", "reset", "timeout" };

static void status_set(struct outcomes *o, u32 status)
{
    u32 i = status - OUTCOMES_STATUS_FIRST;

    o->status[i / 64] |= 1ull << (i % 64);
}

static bool word_add(struct outcomes *o, struct str word)
{
    u64 status;

    for (u32 i = 0; i < ARRAY_LEN(kind_words); i++) {
        if (str_eq_nocase(word, str_of(kind_words[i]))) {
            o->kinds |= BIT(i);
            return true;
        }
    }
    if (str_eq_nocase(word, STR("5xx"))) {
        for (u32 i = 500; i <= OUTCOMES_STATUS_LAST; i++)
            status_set(o, i);
        return true;
    }
    if (!str_to_u64(word, &status) || status < OUTCOMES_STATUS_FIRST ||
        status > OUTCOMES_STATUS_LAST)
        return false;
    status_set(o, (u32)status);
    return true;
}

int outcomes_parse(struct str text, struct outcomes *out, struct problem *p)
{
    struct outcomes o = { 0 };
    struct str rest = text;

    if (str_eq_nocase(text, STR("off")))
        rest = (struct str){ 0 };
    while (rest.ptr && rest.len) {
        struct str word = str_trim(str_cut(rest, ',', &rest));

        if (!word_add(&o, word))
            return problem_set(p,
                               "\"%.*s\" is not known; write connect-failure, reset, timeout, 5xx "
                               "or statuses from %d to %d, with commas between, or off",
                               STR_ARG(str_sub(word, 0, 80)), OUTCOMES_STATUS_FIRST,
                               OUTCOMES_STATUS_LAST);
    }
    *out = o;
    return 0;
}

static void word_put(struct buf *out, size_t began, struct str word)
{
    if (out->len > began)
        buf_addc(out, ',');
    buf_add(out, word);
}

void outcomes_text(const struct outcomes *o, struct buf *out)
{
    size_t began = out->len;
    bool all = true;
    char number[8];

    for (u32 i = 0; i < ARRAY_LEN(kind_words); i++)
        if (o->kinds & BIT(i))
            word_put(out, began, str_of(kind_words[i]));
    for (u32 i = 500; i <= OUTCOMES_STATUS_LAST; i++)
        all &= outcomes_have_status(o, i);
    if (all)
        word_put(out, began, STR("5xx"));
    for (u32 i = OUTCOMES_STATUS_FIRST; i <= (all ? 499 : OUTCOMES_STATUS_LAST); i++) {
        if (!outcomes_have_status(o, i))
            continue;
        snprintf(number, sizeof(number), "%u", i);
        word_put(out, began, str_of(number));
    }
    if (out->len == began)
        buf_add(out, STR("off"));
}
