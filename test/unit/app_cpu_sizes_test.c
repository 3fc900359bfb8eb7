#include "app/cpu_sizes.h"

#include "tap.h"

static double size[8];

/* What it says of names (blanks between) and a list; "" when it is fine. */
static struct str said_of(const char *names, const char *list, struct problem *p)
{
    AUTO(strings_done) struct strings files = { 0 };
    struct str rest = str_of(names);

    *p = (struct problem){ 0 };
    while (rest.ptr)
        strings_add(&files, str_cut(rest, ' ', &rest));
    CHECK_EQ(cpu_sizes_read(str_of(list), &files, size, p), p->text[0] ? -EINVAL : 0);
    return str_of(p->text);
}

static bool says(const char *names, const char *list, const char *want)
{
    struct problem p;
    struct str said = said_of(names, list, &p);

    if (memmem(said.ptr, said.len, want, strlen(want)))
        return true;
    printf("# of %s, %s: \"%.*s\"\n", names, list, STR_ARG(said));
    return false;
}

static void the_number_that_differs_is_the_size(void)
{
    struct problem p;

    CHECK_STR(said_of("v8/run-1000.cpuprofile v8/run-20000.cpuprofile", "", &p), "");
    CHECK(size[0] == 1000 && size[1] == 20000);
    CHECK_STR(said_of("10k.x 2M.x 1000000000000.x", "", &p), "");
    CHECK(size[0] == 10000 && size[1] == 2e6 && size[2] == 1e12);
    CHECK_STR(said_of("12/a3-1.log 13/a3-2.log", "", &p), "");
    CHECK(size[0] == 1 && size[1] == 2);
}

static void a_list_is_in_the_order_of_the_files(void)
{
    struct problem p;

    CHECK_STR(said_of("a b c", "1k,2000, 4M", &p), "");
    CHECK(size[0] == 1000 && size[1] == 2000 && size[2] == 4e6);
}

static void what_is_wrong_is_said(void)
{
    CHECK(says("a b", "",
               "the files' names have no number that tells their sizes apart; say how "
               "large the work was, in the order of the files: --sizes 1000,2000,4000"));
    CHECK(says("a1-5 a2-6", "", "the files' names have several numbers that differ"));
    CHECK(says("a1 a", "", "the files' names have no number that tells"));
    CHECK(says("a0 a1", "", "a0: a size of 0; sizes begin at 1"));
    CHECK(says("a b", "1", "--sizes has 1 sizes for 2 files; each file needs one"));
    CHECK(says("a b", "1,2,3", "--sizes has 3 sizes for 2 files"));
    CHECK(says("a b", "1,x", "--sizes: \"x\" is no size; write whole numbers from 1"));
    CHECK(says("a b", "1,0", "--sizes: \"0\" is no size"));
    CHECK(says("a b", "5,5", "all files are of the same size; at least two sizes are needed"));
}

int main(void)
{
    TEST(the_number_that_differs_is_the_size);
    TEST(a_list_is_in_the_order_of_the_files);
    TEST(what_is_wrong_is_said);
    return tap_done();
}
