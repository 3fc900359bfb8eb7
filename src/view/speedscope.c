/* view/speedscope.c -- a sampled profile for speedscope: each stack with its weight
 *
 * In the order of the tree, the largest first: when a sample was, a profile that is added up does
 * not say. What is left out counts for its caller; idle time is an empty stack, as in what
 * speedscope makes of a .cpuprofile.
 */
#include "base/json.h"
#include "view/flame.h"

/* V8 looks 255 calls deep, and finds some more that it has inlined; what is in a file may be
 * deeper. */
enum { STACK_MAX = 512 };

/* Of each call, what is its own, with what is left out below it. */
static u64 *weights_find(const struct flame *f)
{
    const struct calltree *t = &f->tree;
    u64 *weight = malloc((t->calls + 1ull) * sizeof(u64));
    u32 *way = malloc((t->depth_max + 2ull) * sizeof(u32));

    for (u32 i = 0; weight && way && i < t->calls; i++) {
        const struct calltree_call *c = &t->call[i];

        weight[i] = c->frame == CALLTREE_SMALL ? 0 : c->total;
        way[c->depth] = i;
        if (c->depth)
            weight[way[c->depth - 1]] -= weight[i];
    }
    if (!way)
        free(TAKE(weight, NULL));
    free(way);
    return weight;
}

static void frames_json(const struct flame *f, struct buf *out)
{
    const struct profile *p = f->profile;

    json_key(out, "shared");
    buf_add(out, STR("{\"frames\":["));
    for (u32 i = 0; i < p->frames; i++) {
        struct str file = flame_file(f, i);

        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "name");
        json_text(out, flame_name(f, i));
        if (file.len) {
            json_key(out, "file");
            json_text(out, file);
        }
        if (file.len && p->frame[i].line >= 0) {
            json_key(out, "line");
            json_u64(out, (u64)p->frame[i].line + 1);
            json_key(out, "col");
            json_u64(out, (u64)max(p->frame[i].column, 0) + 1);
        }
        buf_addc(out, '}');
    }
    buf_add(out, STR("]}"));
}

/* way[]: the frames from the root on; PROFILE_NONE: one that is not shown. */
static void stack_json(const u32 *way, u32 depth, struct buf *out)
{
    json_comma(out);
    buf_addc(out, '[');
    for (u32 i = 0; i <= depth && i < STACK_MAX; i++) {
        if (way[i] == PROFILE_NONE)
            continue;
        json_comma(out);
        buf_addu(out, way[i]);
    }
    buf_addc(out, ']');
}

static void samples_json(const struct flame *f, struct buf *out)
{
    AUTO(freep) u32 *way = malloc((f->tree.depth_max + 2ull) * sizeof(u32));
    AUTO(freep) u64 *weight = weights_find(f);
    AUTO(buf_done) struct buf weights = { 0 };
    struct str package;
    u64 sum = 0;

    out->failed |= !way || !weight;
    json_key(out, "samples");
    buf_addc(out, '[');
    for (u32 i = 0; !out->failed && i < f->tree.calls; i++) {
        const struct calltree_call *c = &f->tree.call[i];
        enum flame_kind kind = flame_kind(f, c->frame, &package);

        way[c->depth] = kind == FLAME_ROOT || kind == FLAME_IDLE ? PROFILE_NONE : c->frame;
        if (!weight[i])
            continue;
        stack_json(way, c->depth, out);
        json_comma(&weights);
        if (f->profile->is_of_bytes)
            buf_addu(&weights, weight[i]);
        else
            buf_addf(&weights, "%.6g", (double)weight[i] * f->hit_ms);
        sum += weight[i];
    }
    buf_add(out, STR("],\"weights\":["));
    buf_add(out, buf_str(&weights));
    buf_addc(out, ']');
    out->failed |= weights.failed;
    json_key(out, "startValue");
    buf_addc(out, '0');
    json_key(out, "endValue");
    buf_addf(out, "%.15g", f->profile->is_of_bytes ? (double)sum : (double)sum * f->hit_ms);
}

void speedscope_write(const struct flame *f, struct buf *out)
{
    buf_add(out, STR("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\""));
    json_key(out, "exporter");
    json_text(out, STR("fettle " FETTLE_VERSION));
    json_key(out, "name");
    json_text(out, f->title);
    json_key(out, "activeProfileIndex");
    buf_addc(out, '0');
    frames_json(f, out);
    json_key(out, "profiles");
    buf_add(out, STR("[{\"type\":\"sampled\""));
    json_key(out, "name");
    json_text(out, f->title);
    json_key(out, "unit");
    json_text(out, f->profile->is_of_bytes ? STR("bytes") : STR("milliseconds"));
    samples_json(f, out);
    buf_add(out, STR("}]}\n"));
}
