#include "admin/measures.h"
#include "tap.h"

static struct shm *shm;
static struct measure out[SHM_MEASURES_MAX];

static void begin(void)
{
    free(shm);
    shm = calloc(1, sizeof(*shm));
    assert(shm);
}

static void add(u32 kind, const char *name, u64 count)
{
    struct shm_measures *all = &shm->measures[3];
    struct shm_measure *m = &all->measure[all->count++];

    m->kind = kind;
    str_to_cstr(str_of(name), m->name, sizeof(m->name));
    m->count = count;
    m->sum_ns = 10 * count;
    m->bucket[2] = count;
}

static void they_come_by_kind_and_name(void)
{
    begin();
    add(SHM_MARK, "b", 1);
    add(SHM_MEASURE, "z", 2);
    add(SHM_MARK, "a", 3);
    CHECK_EQ(measures_read(shm, 3, out), 3);
    CHECK_STR(str_of(out[0].name), "z");
    CHECK_STR(str_of(out[1].name), "a");
    CHECK_STR(str_of(out[2].name), "b");
    CHECK_EQ(out[0].sum_ns, 20);
    CHECK_EQ(measures_read(shm, 2, out), 0);
}

static void what_was_never_counted_is_left_out(void)
{
    begin();
    add(SHM_MEASURE, "(other)", 0);
    add(SHM_MEASURE, "", 1);
    add(SHM_MEASURE_KINDS, "x", 1);
    CHECK_EQ(measures_read(shm, 3, out), 0);
}

static void names_that_look_the_same_are_one(void)
{
    begin();
    add(SHM_MEASURE, "a\n", 1);
    add(SHM_MEASURE, "a\t", 2);
    add(SHM_FUNCTION, "a?", 4);
    CHECK_EQ(measures_read(shm, 3, out), 2);
    CHECK_STR(str_of(out[0].name), "a?");
    CHECK_EQ(out[0].count, 3);
    CHECK_EQ(out[0].bucket[2], 3);
    CHECK_EQ(out[0].sum_ns, 30);
}

static void a_worker_may_write_anything(void)
{
    begin();
    memset(&shm->measures[3], 0xff, sizeof(shm->measures[3]));
    CHECK_EQ(measures_read(shm, 3, out), 0);
    for (u32 i = 0; i < SHM_MEASURES_MAX; i++)
        shm->measures[3].measure[i].kind = SHM_MARK;
    CHECK_EQ(measures_read(shm, 3, out), 1);
    CHECK_EQ(strlen(out[0].name), SHM_MEASURE_NAME_MAX - 1);
    CHECK(out[0].sum_ns == UINT64_MAX);
}

int main(void)
{
    TEST(they_come_by_kind_and_name);
    TEST(what_was_never_counted_is_left_out);
    TEST(names_that_look_the_same_are_one);
    TEST(a_worker_may_write_anything);
    free(shm);
    return tap_done();
}
