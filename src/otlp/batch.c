/* otlp/batch.c -- what is to be sent in one piece */
#include "otlp/batch.h"

#include "otlp/protobuf.h"

enum {
    RESOURCE_PART = 1,
    RESOURCE = 1,
    SCOPE_PART = 2,
    SCOPE = 1,
    ITEM = 2,
    SCOPE_NAME = 1,
    SCOPE_VERSION = 2
};

struct batch *batch_new(void)
{
    return calloc(1, sizeof(struct batch));
}

void batch_free(struct batch *b)
{
    if (!b)
        return;
    buf_done(&b->bytes);
    buf_done(&b->resources);
    free(b->item);
    free(b->resource);
    free(b);
}

static bool room_make(void **list, u32 n, u32 *room, size_t size)
{
    u32 more = *room ? *room * 2 : 16;
    void *moved;

    if (n < *room)
        return true;
    moved = reallocarray(*list, more, size);
    if (!moved)
        return false;
    *list = moved;
    *room = more;
    return true;
}

u32 batch_resource(const struct batch *b, u64 key)
{
    for (u32 i = 0; i < b->resources_n; i++)
        if (b->resource[i].key == key)
            return i;
    return UINT32_MAX;
}

u32 batch_resource_add(struct batch *b, u64 key, struct str encoded)
{
    u32 at = (u32)b->resources.len;

    buf_add(&b->resources, encoded);
    if (b->resources.failed ||
        !room_make((void **)&b->resource, b->resources_n, &b->resources_room, sizeof(*b->resource)))
        return UINT32_MAX;
    b->resource[b->resources_n] =
        (struct batch_resource){ .key = key, .at = at, .len = (u32)encoded.len };
    return b->resources_n++;
}

size_t batch_begin(struct batch *b)
{
    return b->bytes.len;
}

bool batch_end(struct batch *b, size_t begun, u32 resource, u32 weight)
{
    if (b->bytes.failed || resource >= b->resources_n ||
        !room_make((void **)&b->item, b->items, &b->items_room, sizeof(*b->item))) {
        b->bytes.len = begun;
        b->bytes.failed = false;
        return false;
    }
    b->item[b->items++] = (struct batch_item){
        .resource = resource, .at = (u32)begun, .len = (u32)(b->bytes.len - begun), .weight = weight
    };
    b->weight += weight;
    return true;
}

static void resource_encode(const struct batch *b, u32 resource, u32 from, u32 to, struct buf *out)
{
    const struct batch_resource *r = &b->resource[resource];
    size_t part = protobuf_begin(out, RESOURCE_PART), scope_part, scope, begun;

    begun = protobuf_begin(out, RESOURCE);
    buf_add(out, str_make(b->resources.ptr + r->at, r->len));
    protobuf_end(out, begun);
    scope_part = protobuf_begin(out, SCOPE_PART);
    scope = protobuf_begin(out, SCOPE);
    protobuf_text(out, SCOPE_NAME, STR("fettle"));
    protobuf_text(out, SCOPE_VERSION, STR(FETTLE_VERSION));
    protobuf_end(out, scope);
    for (u32 i = from; i < to; i++) {
        const struct batch_item *item = &b->item[i];

        if (item->resource != resource)
            continue;
        begun = protobuf_begin(out, ITEM);
        buf_add(out, str_make(b->bytes.ptr + item->at, item->len));
        protobuf_end(out, begun);
    }
    protobuf_end(out, scope_part);
    protobuf_end(out, part);
}

void batch_encode(const struct batch *b, u32 from, u32 to, struct buf *out)
{
    for (u32 r = 0; r < b->resources_n; r++)
        for (u32 i = from; i < to; i++)
            if (b->item[i].resource == r) {
                resource_encode(b, r, from, to, out);
                break;
            }
}

u64 batch_weight(const struct batch *b, u32 from, u32 to)
{
    u64 sum = 0;

    for (u32 i = from; i < to; i++)
        sum += b->item[i].weight;
    return sum;
}
