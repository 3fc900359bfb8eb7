/* finding/blocking_call.c -- the functions that block until they are done */
#include "finding/blocking_call.h"

#include "finding/sourceline.h"

/* Functions that block until they are done, by name; what ends with Sync and is not here is of the
 * file system. `instead`: what does not block. */
static const struct blocking_name {
    const char *name;
    enum finding_kind kind;
    const char *instead; /* NULL: the kind's advice is as good */
} names[] = {
    { "execSync", FINDING_CHILD_PROCESS, "exec() of node:child_process" },
    { "spawnSync", FINDING_CHILD_PROCESS, "spawn() of node:child_process" },
    { "execFileSync", FINDING_CHILD_PROCESS, "execFile() of node:child_process" },
    { "pbkdf2Sync", FINDING_SYNC_CRYPTO, "crypto.pbkdf2() with a callback" },
    { "scryptSync", FINDING_SYNC_CRYPTO, "crypto.scrypt() with a callback" },
    { "hkdfSync", FINDING_SYNC_CRYPTO, "crypto.hkdf() with a callback" },
    { "argon2Sync", FINDING_SYNC_CRYPTO, "crypto.argon2() with a callback" },
    { "generateKeyPairSync", FINDING_SYNC_CRYPTO, "crypto.generateKeyPair() with a callback" },
    { "generateKeySync", FINDING_SYNC_CRYPTO, "crypto.generateKey() with a callback" },
    { "generatePrimeSync", FINDING_SYNC_CRYPTO, "crypto.generatePrime() with a callback" },
    { "checkPrimeSync", FINDING_SYNC_CRYPTO, "crypto.checkPrime() with a callback" },
    { "randomFillSync", FINDING_SYNC_CRYPTO, "crypto.randomFill() with a callback" },
    { "randomBytes", FINDING_SYNC_CRYPTO, "crypto.randomBytes() with a callback" },
    { "hashSync", FINDING_SYNC_CRYPTO, "the function of the same name without Sync" },
    { "compareSync", FINDING_SYNC_CRYPTO, "the function of the same name without Sync" },
    { "createHash", FINDING_SYNC_CRYPTO,
      "crypto.createHash() fed in pieces by a stream, or a worker thread" },
    { "createHmac", FINDING_SYNC_CRYPTO,
      "crypto.createHmac() fed in pieces by a stream, or a worker thread" },
    { "gzipSync", FINDING_SYNC_ZLIB, "zlib.gzip() with a callback, or a stream" },
    { "gunzipSync", FINDING_SYNC_ZLIB, "zlib.gunzip() with a callback, or a stream" },
    { "unzipSync", FINDING_SYNC_ZLIB, "zlib.unzip() with a callback, or a stream" },
    { "deflateSync", FINDING_SYNC_ZLIB, "zlib.deflate() with a callback, or a stream" },
    { "inflateSync", FINDING_SYNC_ZLIB, "zlib.inflate() with a callback, or a stream" },
    { "deflateRawSync", FINDING_SYNC_ZLIB, "zlib.deflateRaw() with a callback, or a stream" },
    { "inflateRawSync", FINDING_SYNC_ZLIB, "zlib.inflateRaw() with a callback, or a stream" },
    { "brotliCompressSync", FINDING_SYNC_ZLIB,
      "zlib.brotliCompress() with a callback and a lower quality" },
    { "brotliDecompressSync", FINDING_SYNC_ZLIB, "zlib.brotliDecompress() with a callback" },
    { "zstdCompressSync", FINDING_SYNC_ZLIB, "zlib.zstdCompress() with a callback" },
    { "zstdDecompressSync", FINDING_SYNC_ZLIB, "zlib.zstdDecompress() with a callback" },
    { "JSON.parse", FINDING_JSON, NULL },
    { "JSON.stringify", FINDING_JSON, NULL },
    { "structuredClone", FINDING_JSON, NULL },
    { "Atomics.wait", FINDING_WAIT, NULL },
    { "require", FINDING_MODULE_LOAD, NULL },
};

/* Methods that run a regular expression. */
static const char *const regexp_methods[] = { "test",    "exec",       "match",  "matchAll",
                                              "replace", "replaceAll", "search", "split" };

static const struct blocking_name *name_find(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_of(names[i].name)))
            return &names[i];
    return NULL;
}

enum finding_kind blocking_call_kind(struct str name, const char **instead)
{
    const struct blocking_name *known = name_find(name);

    *instead = known ? known->instead : NULL;
    if (known)
        return known->kind;
    return name.len > 4 && str_ends(name, STR("Sync")) ? FINDING_SYNC_IO : FINDING_NONE;
}

bool blocking_call_known(struct str name)
{
    return name_find(name) != NULL;
}

bool blocking_call_is_regexp(struct str name)
{
    for (u32 i = 0; i < ARRAY_LEN(regexp_methods); i++)
        if (str_eq(name, str_of(regexp_methods[i])))
            return true;
    return false;
}

enum finding_kind blocking_call_last(struct str line, size_t until, struct str *name,
                                     const char **instead)
{
    enum finding_kind found = FINDING_NONE, kind;
    struct str call;
    const char *with;

    for (size_t i = 0; i < line.len && i < until; i++) {
        if (!sourceline_is_word(line.ptr[i]) || (i && sourceline_is_word(line.ptr[i - 1])))
            continue;
        call = sourceline_call(line, i);
        kind = blocking_call_kind(call, &with);
        if (kind == FINDING_NONE || str_eq(call, STR("require")))
            continue;
        found = kind;
        *name = call;
        *instead = with;
    }
    return found;
}
