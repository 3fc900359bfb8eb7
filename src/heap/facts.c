/* heap/facts.c -- what one object is made of */
#include "heap/facts.h"

enum { LOOKED_AT_MAX = 4000 };

/* clang-format off */
static const struct {
    const char *class;
    enum fact fact;
} known[] = {
    { "Socket", FACT_SOCKET }, { "TLSSocket", FACT_SOCKET }, { "TCP", FACT_SOCKET }, { "Pipe", FACT_SOCKET }, { "TLSWrap", FACT_SOCKET },
    { "WebSocket", FACT_SOCKET }, { "Http2Session", FACT_SOCKET }, { "ServerHttp2Session", FACT_SOCKET },
    { "ClientHttp2Session", FACT_SOCKET },
    { "IncomingMessage", FACT_REQUEST }, { "ServerResponse", FACT_REQUEST }, { "ClientRequest", FACT_REQUEST },
    { "OutgoingMessage", FACT_REQUEST }, { "Http2ServerRequest", FACT_REQUEST }, { "Http2ServerResponse", FACT_REQUEST },
    { "ServerHttp2Stream", FACT_REQUEST }, { "ClientHttp2Stream", FACT_REQUEST }, { "Request", FACT_REQUEST }, { "Response", FACT_REQUEST },
    { "Readable", FACT_STREAM }, { "Writable", FACT_STREAM }, { "Duplex", FACT_STREAM }, { "Transform", FACT_STREAM },
    { "PassThrough", FACT_STREAM }, { "ReadStream", FACT_STREAM }, { "WriteStream", FACT_STREAM }, { "Gzip", FACT_STREAM },
    { "Gunzip", FACT_STREAM }, { "Deflate", FACT_STREAM }, { "Inflate", FACT_STREAM }, { "BrotliCompress", FACT_STREAM },
    { "BrotliDecompress", FACT_STREAM }, { "ReadableStream", FACT_STREAM }, { "WritableStream", FACT_STREAM }, { "TransformStream", FACT_STREAM },
    { "Buffer", FACT_BUFFER }, { "FastBuffer", FACT_BUFFER }, { "ArrayBuffer", FACT_BUFFER }, { "SharedArrayBuffer", FACT_BUFFER },
    { "Blob", FACT_BUFFER }, { "DataView", FACT_BUFFER }, { "Uint8Array", FACT_BUFFER }, { "Uint8ClampedArray", FACT_BUFFER },
    { "Int8Array", FACT_BUFFER }, { "Uint16Array", FACT_BUFFER }, { "Int16Array", FACT_BUFFER }, { "Uint32Array", FACT_BUFFER },
    { "Int32Array", FACT_BUFFER }, { "Float32Array", FACT_BUFFER }, { "Float64Array", FACT_BUFFER }, { "BigInt64Array", FACT_BUFFER },
    { "BigUint64Array", FACT_BUFFER }, { "system / JSArrayBufferData", FACT_BUFFER },
    { "AsyncResource", FACT_ASYNC }, { "AsyncContextFrame", FACT_ASYNC },
    { "Timeout", FACT_TIMER }, { "Immediate", FACT_TIMER },
    { "Module", FACT_MODULE }, { "ModuleJob", FACT_MODULE }, { "ModuleJobSync", FACT_MODULE }, { "ModuleWrap", FACT_MODULE },
    { "SourceTextModule", FACT_MODULE },
    { "Listener", FACT_LISTENER },
    { "Script", FACT_SCRIPT }, { "ContextifyScript", FACT_SCRIPT },
};
/* clang-format on */

enum fact facts_of_class(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(name, str_of(known[i].class)))
            return known[i].fact;
    return FACT_NONE;
}

/* Promises that wait have reactions where others have their result. */
static bool is_pending(struct browse *b, u32 promise)
{
    u32 to = browse_follow(b, promise, STR("reactions_or_result"));

    return to != BROWSE_NONE && str_eq(browse_name(b, to), STR("system / PromiseReaction"));
}

static enum fact fact_of(struct browse *b, u32 node)
{
    enum fact fact;

    switch (graph_type(b->graph, node)) {
    case NODE_OBJECT:
        if (str_eq(browse_name(b, node), STR("Promise")))
            return is_pending(b, node) ? FACT_PROMISE : FACT_NONE;
        return facts_of_class(browse_name(b, node));
    case NODE_NATIVE:
        fact = facts_of_class(browse_name(b, node));
        return fact == FACT_BUFFER ? fact : FACT_NONE;
    case NODE_SLICED_STRING:
        return FACT_SLICE;
    case NODE_REGEXP:
        return FACT_REGEXP;
    default:
        return FACT_NONE;
    }
}

void facts_find(struct browse *b, u32 node, struct facts *out)
{
    const struct dominators *d = b->dominators;
    u32 at = b->position[node], end = at + d->size[at];

    *out = (struct facts){ .self = fact_of(b, node), .total = d->retained[node] };
    for (u32 i = 0; i < FACT_COUNT; i++)
        out->first[i] = BROWSE_NONE;
    for (u32 i = at, step; i < end && out->nodes < LOOKED_AT_MAX; i += step, out->nodes++) {
        u32 below = d->order[i];
        enum fact fact = fact_of(b, below);

        step = fact == FACT_NONE || below == node ? 1 : d->size[i];
        if (graph_type(b->graph, below) == NODE_CODE)
            out->code += graph_self_size(b->graph, below);
        if (fact == FACT_NONE || below == node)
            continue;
        out->bytes[fact] += d->retained[below];
        if (out->first[fact] == BROWSE_NONE)
            out->first[fact] = below;
    }
}
