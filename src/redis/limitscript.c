/* redis/limitscript.c -- rate limits that many hosts share: one script, one decision
 *
 * Numbers in Lua are doubles, exact up to 2^53. So a time is never a single number of nanoseconds:
 * a bucket's is kept as seconds and the rest, and only its distance from now is reckoned with; a
 * window's slots are counted in microseconds since 1970.
 */
#include "redis/limitscript.h"

#include "redis/resp.h"

enum { ARGS_OF_RULE = 3 };

static const char script[] =
    "local t = redis.call('TIME')\n"
    "local s, us = tonumber(t[1]), tonumber(t[2])\n"
    "local now_us = s * 1000000 + us\n"
    "local state, ttl = {}, {}\n"
    "local out = {0}\n"
    "local function put(key, value, ms)\n"
    "  redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(math.ceil(ms), 1)))\n"
    "end\n"
    "local function full_at(debt)\n"
    "  local ns = us * 1000 + debt\n"
    "  return string.format('b%.0f %.0f', s + math.floor(ns / 1e9), ns % 1e9)\n"
    "end\n"
    /* No bucket is emptier than empty, and no slot is newer than now: where one seems so, the clock
     * was set back. That is mended at once, so that nobody waits until it has caught up. */
    "local function bucket(key, had, token, depth)\n"
    "  local debt = 0\n"
    "  local fs, fn = string.match(had, '^b(%d+) (%d+)$')\n"
    "  if fs then debt = (tonumber(fs) - s) * 1e9 + tonumber(fn) - us * 1000 end\n"
    "  if debt < 0 then debt = 0 end\n"
    "  if debt > depth then debt = depth put(key, full_at(debt), debt / 1e6) end\n"
    "  local after = debt + token\n"
    "  if after > depth then return false, 0, debt, after - depth end\n"
    "  state[key], ttl[key] = full_at(after), after / 1e6\n"
    "  return true, math.floor((depth - after) / token), after, 0\n"
    "end\n"
    /* Counts by age, the newest slot first. */
    "local function window(key, had, len, most)\n"
    "  local slot = math.floor(now_us / len)\n"
    "  local count, sum, newest = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, nil\n"
    "  local at, list = string.match(had, '^w(%d+)([ %d]*)$')\n"
    "  local age = at and slot - tonumber(at) or 0\n"
    "  local reset = (slot + 10) * len - now_us\n"
    "  if age < 0 then age = 0 put(key, string.format('w%.0f', slot) .. list, reset / 1000) end\n"
    "  for n in string.gmatch(list or '', '%d+') do\n"
    "    age = age + 1\n"
    "    if age <= 10 then count[age] = tonumber(n) end\n"
    "  end\n"
    "  for i = 10, 1, -1 do\n"
    "    sum = sum + count[i]\n"
    "    if count[i] > 0 then newest = i end\n"
    "  end\n"
    "  if sum < most then\n"
    "    count[1] = count[1] + 1\n"
    "    state[key] = string.format('w%.0f ', slot) .. table.concat(count, ' ')\n"
    "    ttl[key] = reset / 1000\n"
    "    return true, most - sum - 1, reset * 1000, 0\n"
    "  end\n"
    "  local room = slot + 10\n"
    "  for i = 10, 1, -1 do\n"
    "    sum = sum - count[i]\n"
    "    if sum < most then room = slot + 11 - i break end\n"
    "  end\n"
    "  return false, 0, ((slot + 11 - newest) * len - now_us) * 1000, (room * len - now_us) * "
    "1000\n"
    "end\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local kind, a, b = ARGV[3 * i - 2], tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])\n"
    "  local had = state[key] or redis.call('GET', key) or ''\n"
    "  local ok, left, reset, retry = (kind == 'b' and bucket or window)(key, had, a, b)\n"
    "  out[#out + 1] = left\n"
    "  out[#out + 1] = reset\n"
    "  if not ok then\n"
    "    out[1] = i\n"
    "    out[#out + 1] = retry\n"
    "    return out\n"
    "  end\n"
    "end\n"
    "for key, value in pairs(state) do\n"
    "  redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(math.ceil(ttl[key]), "
    "1)))\n"
    "end\n"
    "return out\n";

struct str limitscript_text(void)
{
    return str_make(script, sizeof(script) - 1);
}

void limitscript_call(struct buf *out, struct str sha, const struct limitscript_rule *rules, u32 n)
{
    resp_begin(out, 3 + n + n * ARGS_OF_RULE);
    resp_word(out, sha.len ? STR("EVALSHA") : STR("EVAL"));
    resp_word(out, sha.len ? sha : limitscript_text());
    resp_number(out, n);
    for (u32 i = 0; i < n; i++)
        resp_word(out, rules[i].key);
    for (u32 i = 0; i < n; i++) {
        const struct limitscript_rule *r = &rules[i];

        resp_word(out, r->is_window ? STR("w") : STR("b"));
        resp_number(out, r->is_window ? r->slot_ns / LIMITSCRIPT_SLOT_UNIT_NS : r->token_ns);
        resp_number(out, r->is_window ? r->most : r->depth_ns);
    }
}

/* An integer of the answer that is 0 or more. */
static bool number_at(const struct reply *reply, u32 i, u64 *out)
{
    struct reply r = reply_at(reply, i);

    *out = (u64)r.integer;
    return r.kind == REPLY_INTEGER && r.integer >= 0;
}

bool limitscript_read(struct limitscript_answer *out, const struct reply *reply, u32 n)
{
    u64 refused, left, reset_ns, retry_ns = 0;

    if (reply->kind != REPLY_ARRAY || !number_at(reply, 0, &refused) || refused > n ||
        n > LIMITSCRIPT_RULES_MAX)
        return false;
    out->known = refused ? (u32)refused : n;
    out->refused = refused ? (u32)refused - 1 : n;
    if (reply->n != 1 + 2 * out->known + (refused > 0) ||
        (refused && !number_at(reply, 1 + 2 * out->known, &retry_ns)))
        return false;
    for (u32 i = 0; i < out->known; i++) {
        if (!number_at(reply, 1 + 2 * i, &left) || !number_at(reply, 2 + 2 * i, &reset_ns))
            return false;
        out->verdict[i] = (struct rate_verdict){ .admitted = i != out->refused,
                                                 .remaining = (u32)min(left, (u64)UINT32_MAX),
                                                 .reset_ns = reset_ns,
                                                 .retry_ns = i == out->refused ? retry_ns : 0 };
    }
    return true;
}
