/* inspect/capture.c -- what an inspector can be asked to take: snapshots and profiles, to a file */
#include "inspect/capture.h"

#define TURN_NS (2 * NS_PER_S)   /* a loop that has not turned by then is blocked */
#define PAUSE_NS (10 * NS_PER_S) /* JavaScript that has not halted by then does not run */

/* ---- what comes ---- */

static u64 number_of(const struct json_value *v, const char *name)
{
    u64 n = 0;

    return json_value_u64(json_value_member(v, name), &n) ? n : 0;
}

static void event(struct devtools *client, struct str method, const struct json_value *params)
{
    struct capture *c = client->arg;

    c->heard_ns = clock_now_ns();
    if (str_eq(method, STR("HeapProfiler.reportHeapSnapshotProgress"))) {
        c->done = number_of(params, "done");
        c->total = number_of(params, "total");
        if (c->progress)
            c->progress(c);
    } else if (str_eq(method, STR("Debugger.paused"))) {
        c->paused = true;
    } else if (str_eq(method, STR("NodeRuntime.waitingForDisconnect"))) {
        c->ending = true;
    }
}

static int bulk(struct devtools *client, struct str bytes)
{
    struct capture *c = client->arg;

    c->heard_ns = clock_now_ns();
    c->write_err = outfile_write(c->file, bytes);
    c->bytes = outfile_bytes(c->file);
    if (c->progress)
        c->progress(c);
    return c->write_err;
}

static void begin(struct capture *c)
{
    c->client->event = event;
    c->client->bulk = bulk;
    c->client->arg = c;
    c->heard_ns = clock_now_ns();
}

/* ---- asking ---- */

/* An error as people can use it. */
static int told(struct capture *c, int err, const char *what, struct problem *p)
{
    if (err == 0 || err == -ECANCELED)
        return err;
    if (c->write_err)
        problem_set(p, "the file cannot be written: %s", strerror(-c->write_err));
    else if (err == -EREMOTEIO)
        problem_set(p, "%s: the inspector refuses: %s", what, c->client->session.bad_text);
    else if (err == -EPIPE)
        problem_set(p, "%s: the process has ended, or has closed its inspector", what);
    else if (err == -ETIMEDOUT)
        problem_set(p, "%s: nothing has come for %.3g s", what, (double)c->silence_ns / NS_PER_S);
    else if (err == -EPROTO)
        problem_set(p, "%s: the inspector sent what makes no sense: %s", what,
                    c->client->session.bad_text);
    else
        problem_set(p, "%s: %s", what, strerror(-err));
    return err;
}

/* Waits for the answer as long as something comes. */
static int answered(struct capture *c, u64 id, struct json_value **out)
{
    int err;

    do {
        err = devtools_wait(c->client, id, c->heard_ns + c->silence_ns, out);
    } while (err == -ETIMEDOUT && clock_now_ns() < c->heard_ns + c->silence_ns);
    return err;
}

static int call(struct capture *c, const char *method, struct str params, struct json_value **out)
{
    u64 id;
    int err = devtools_ask(c->client, method, params, &id);

    c->heard_ns = clock_now_ns();
    return err ? err : answered(c, id, out);
}

/* The same for what takes the main thread long: an agent of fettle's in there is told that it is
 * not the app's doing. Others do not have the function. */
static int call_long(struct capture *c, const char *method, struct str params)
{
    static const char mark[] =
        "{\"expression\":\"globalThis.process?.[Symbol.for('fettle.inspected')]?.(%s)\","
        "\"silent\":true}";
    char begins[sizeof(mark) + 8], ends[sizeof(mark) + 8];
    u64 id, ignored;
    int err;

    snprintf(begins, sizeof(begins), mark, "true");
    snprintf(ends, sizeof(ends), mark, "false");
    err = devtools_ask(c->client, "Runtime.evaluate", str_of(begins), &ignored);
    if (!err)
        err = devtools_ask(c->client, method, params, &id);
    if (!err)
        err = devtools_ask(c->client, "Runtime.evaluate", str_of(ends), &ignored);
    c->heard_ns = clock_now_ns();
    return err ? err : answered(c, id, NULL);
}

static int mute(struct problem *p)
{
    problem_set(p, "its main thread does not answer: it waits in native code (a synchronous call "
                   "such as execSync), where V8 cannot be looked into");
    return -ETIMEDOUT;
}

/* "v22.23.3" to 22. */
static u32 major_of(struct str version)
{
    struct str rest, number;
    u64 n;

    if (!str_starts(version, STR("v")))
        return 0;
    number = str_cut(str_sub(version, 1, version.len), '.', &rest);
    return str_to_u64(number, &n) && n < 1000 ? (u32)n : 0;
}

int capture_heap_used(struct capture *c, u64 *bytes, u32 *node_major, struct problem *p)
{
    AUTO(json_value_freep) struct json_value *usage = NULL;
    AUTO(json_value_freep) struct json_value *version = NULL;
    const struct json_value *result;
    int err;

    begin(c);
    err = devtools_call(c->client, "Runtime.getHeapUsage", STR(""), clock_now_ns() + PAUSE_NS,
                        &usage);
    if (err == -ETIMEDOUT)
        return mute(p);
    if (!err)
        err = call(c, "Runtime.evaluate",
                   STR("{\"expression\":\"globalThis.process&&process.version\",\"silent\":true}"),
                   &version);
    *bytes = number_of(json_value_member(usage, "result"), "usedSize");
    result = json_value_member(json_value_member(version, "result"), "result");
    *node_major = major_of(json_value_text(json_value_member(result, "value")));
    return told(c, err, "the heap's size", p);
}

/* ---- a snapshot ---- */

/* 0: the loop turns; -ETIMEDOUT: it is blocked. */
static int loop_turns(struct capture *c)
{
    return devtools_call(c->client, "Runtime.evaluate",
                         STR("{\"expression\":\"new Promise(r=>setImmediate(r))\",\"awaitPromise\":"
                             "true,\"silent\":true,\"returnByValue\":true}"),
                         clock_now_ns() + TURN_NS, NULL);
}

static int halt(struct capture *c, struct problem *p)
{
    u64 until_ns = clock_now_ns() + PAUSE_NS;
    int err = devtools_call(c->client, "Debugger.enable", STR(""), until_ns, NULL);

    if (!err)
        err = devtools_call(c->client, "Debugger.pause", STR(""), until_ns, NULL);
    while (!err && !c->paused && clock_now_ns() < until_ns) {
        err = devtools_listen(c->client, min(until_ns, clock_now_ns() + 20 * NS_PER_MS));
        err = err == -ETIMEDOUT ? 0 : err;
    }
    if (err == -ETIMEDOUT || (!err && !c->paused)) {
        return mute(p);
    }
    return told(c, err, "halting the blocked loop", p);
}

int capture_snapshot(struct capture *c, bool numbers, struct problem *p)
{
    const char *params = numbers ? "{\"reportProgress\":true,\"captureNumericValue\":true}"
                                 : "{\"reportProgress\":true}";
    int err;

    begin(c);
    c->paused = false;
    c->done = c->total = c->bytes = 0;
    err = loop_turns(c);
    if (err == -ETIMEDOUT)
        err = halt(c, p);
    else
        err = told(c, err, "the snapshot", p);
    if (err)
        return err;
    err = call_long(c, "HeapProfiler.takeHeapSnapshot", str_of(params));
    err = told(c, err, "the snapshot", p);
    if (!err && c->paused)
        err = told(c, call(c, "Debugger.disable", STR(""), NULL), "going on", p);
    if (!err && c->bytes == 0)
        return problem_set(p, "the inspector said that it took a snapshot, but sent nothing");
    return err;
}

/* ---- a profile ---- */

static int allocations_start(struct capture *c, const struct capture_conf *conf)
{
    char params[160];

    /* Versions that do not know the latter two pass them over. */
    snprintf(params, sizeof(params),
             "{\"samplingInterval\":%u,\"includeObjectsCollectedByMajorGC\":%s,"
             "\"includeObjectsCollectedByMinorGC\":%s}",
             conf->interval, conf->with_garbage ? "true" : "false",
             conf->with_garbage ? "true" : "false");
    return call_long(c, "HeapProfiler.startSampling", str_of(params));
}

static int cpu_start(struct capture *c, const struct capture_conf *conf)
{
    char params[64];
    int err = call(c, "Profiler.enable", STR(""), NULL);

    snprintf(params, sizeof(params), "{\"interval\":%u}", conf->interval);
    if (!err)
        err = call(c, "Profiler.setSamplingInterval", str_of(params), NULL);
    return err ? err : call_long(c, "Profiler.start", STR(""));
}

int capture_start(struct capture *c, const struct capture_conf *conf, struct problem *p)
{
    int err;

    begin(c);
    /* A process that wants to end would wait for us, and for ever. A browser does not know this. */
    err = devtools_call(c->client, "NodeRuntime.notifyWhenWaitingForDisconnect",
                        STR("{\"enabled\":true}"), clock_now_ns() + PAUSE_NS, NULL);
    if (err == -ETIMEDOUT)
        return mute(p);
    if (!err || err == -EREMOTEIO)
        err = conf->what == CAPTURE_CPU ? cpu_start(c, conf) : allocations_start(c, conf);
    return told(c, err, "the recording", p);
}

int capture_look(struct capture *c, struct problem *p)
{
    int err = devtools_listen(c->client, 0);

    return told(c, err == -ETIMEDOUT ? 0 : err, "the recording", p);
}

int capture_stop(struct capture *c, enum capture_profile what, struct problem *p)
{
    int err =
        call_long(c, what == CAPTURE_CPU ? "Profiler.stop" : "HeapProfiler.stopSampling", STR(""));

    if (!err && c->bytes == 0)
        return problem_set(p, "the inspector sent no profile");
    return told(c, err, "the profile", p);
}
