/* test/fuzz/flame_fuzz.c -- flame graphs of profiles of any bytes: trees whose parts fit into their
 * wholes, and files in which no text of the profile is anything but text
 */
#include "profile/json_scan.h"
#include "view/flame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tree_check(const struct calltree *t, u64 whole)
{
    u64 *left = malloc((t->depth_max + 2ull) * sizeof(u64)); /* of the caller at each depth */

    assert(left);
    for (u32 i = 0; i < t->calls; i++) {
        const struct calltree_call *c = &t->call[i];

        assert(c->depth <= t->depth_max && (i == 0) == (c->depth == 0));
        assert(i == 0 || c->depth <= t->call[i - 1].depth + 1);
        assert(c->self <= c->total && c->total <= whole);
        if (c->depth) {
            assert(c->total <= left[c->depth - 1]);
            left[c->depth - 1] -= c->total;
        }
        left[c->depth] = c->total - c->self;
    }
    free(left);
}

static void json_check(struct str text)
{
    struct problem problem = { 0 };
    struct json_scan s;

    json_scan_init(&s, text, &problem);
    assert(json_scan_skip(&s) && json_scan_end(&s));
    json_scan_done(&s);
}

/* Only the elements that the page itself has. */
static u32 count_of(struct str text, const char *what)
{
    u32 count = 0;

    for (const char *p = text.ptr;
         (p = memmem(p, text.len - (size_t)(p - text.ptr), what, strlen(what))); p++)
        count++;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str title = str_make((const char *)data, size > 40 ? 40 : size);
    struct problem problem = { 0 };
    struct calltree_conf few = { 3, 0.1, true };
    struct calltree tree = { 0 };
    struct profile p;

    if (profile_read(&p, str_make((const char *)data, size), &problem) == 0) {
        assert(calltree_build(&tree, &p, &few) == 0);
        assert(tree.calls <= 8);
        tree_check(&tree, p.hits);
        for (enum flame_format format = FLAME_HTML; format <= FLAME_SPEEDSCOPE; format++) {
            AUTO(flame_done) struct flame f = { 0 };
            AUTO(buf_done) struct buf out = { 0 };

            assert(flame_init(&f, &p, title, format) == 0);
            tree_check(&f.tree, p.hits);
            assert(flame_write(&f, format, &out) == 0);
            if (format == FLAME_SPEEDSCOPE)
                json_check(buf_str(&out));
            else
                assert(count_of(buf_str(&out), "</script>") == (format == FLAME_HTML ? 2 : 1));
        }
    }
    calltree_done(&tree);
    profile_done(&p);
    return 0;
}
