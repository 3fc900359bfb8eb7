/* conf/cachewords.c -- the words of the setting cache-key */
#include "conf/cachewords.h"

int cachewords_check(struct str words, struct problem *p)
{
    static const char *const kinds[] = { "query:", "-query:", "header:", "cookie:" };

    while (words.ptr && words.len) {
        struct str word = str_trim(str_cut(words, ',', &words));
        bool known = str_eq(word, STR("-query"));

        for (u32 i = 0; i < ARRAY_LEN(kinds); i++)
            known |= str_starts(word, str_of(kinds[i])) && word.len > strlen(kinds[i]);
        if (!known)
            return problem_set(p,
                               "\"%.*s\" is no part of a key; write query:NAME, -query:NAME, "
                               "-query, header:NAME or cookie:NAME",
                               STR_ARG(str_sub(word, 0, 80)));
    }
    return 0;
}
