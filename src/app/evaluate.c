/* app/evaluate.c -- a configuration file that is a program, run by Node to plain data */
#include "app/evaluate.h"

#include "conf/config.h"
#include "io/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

enum { SAID_BYTES_MAX = 64 << 10 };

/* What Node runs: node -e CODE FILE FORM. The value goes to descriptor 3 as { "value": … }; what
 * is no plain data as { "at": "apps.shop", "what": "is a function" }. */
/* clang-format off */
static const char code[] =
    "const fs = require('node:fs'), [, file, form] = process.argv;\n"
    "const give = (answer) => {\n"
    "  const bytes = Buffer.from(JSON.stringify(answer));\n"
    "  for (let at = 0; at < bytes.length;) at += fs.writeSync(3, bytes, at);\n"
    "  process.exit(0);\n"
    "};\n"
    "const bad = (at, what) => give({ at: at || 'it', what });\n"
    "const plain = (v, at, above) => {\n"
    "  if (v === null || ['undefined', 'string', 'boolean'].includes(typeof v)) return v;\n"
    "  if (typeof v === 'number') return Number.isFinite(v) ? v : bad(at, `is ${v}`);\n"
    "  if (v instanceof RegExp) return v.source;\n"
    "  if (typeof v !== 'object') bad(at, `is a ${typeof v}`);\n"
    "  if (above.includes(v)) bad(at, 'contains itself');\n"
    "  if (above.length > 90) bad(at, 'nests too deep');\n"
    "  const inner = (x, key) => plain(x, key, [...above, v]);\n"
    "  if (Array.isArray(v)) return v.map((x, i) => inner(x, `${at}[${i}]`));\n"
    "  const up = Object.getPrototypeOf(v);\n"
    "  if (up && Object.getPrototypeOf(up)) bad(at, `is a ${v.constructor && v.constructor.name}`);\n"
    "  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, inner(x, at ? `${at}.${k}` : k)]));\n"
    "};\n"
    "const load = async () => {\n"
    "  if (form === 'expression')\n"
    "    return require('node:vm').runInThisContext(`(${fs.readFileSync(file, 'utf8')}\\n)`, { filename: file });\n"
    "  const all = await import(require('node:url').pathToFileURL(file));\n"
    "  if (!('default' in all)) bad('', 'exports no default; write module.exports = { … } or export default { … }');\n"
    "  const made = all.default && all.default.__esModule ? all.default.default : all.default;\n"
    "  return typeof made === 'function' ? made() : made;\n"
    "};\n"
    "const caught = (e) => (e instanceof Error ? Promise.reject(e) : bad('', `throws ${String(e)}`));\n"
    "process.argv.splice(1);\n"
    "load().catch(caught).then((v) => give({ value: plain(v, '', []) ?? null }));\n";
/* clang-format on */

/* A process, and the two pipes on which it answers. */
struct run {
    pid_t pid;
    int out, said;
};

static int run_start(struct run *r, const struct evaluate_ask *ask)
{
    int out[2], said[2], err;
    char *argv[8], **arg = argv;

    if (pipe2(out, O_CLOEXEC) != 0)
        return -errno;
    AUTO(fd_closep) int out_read = out[0];
    AUTO(fd_closep) int out_write = out[1];
    if (pipe2(said, O_CLOEXEC) != 0)
        return -errno;
    AUTO(fd_closep) int said_read = said[0];
    AUTO(fd_closep) int said_write = said[1];
    *arg++ = (char *)"node";
    *arg++ = (char *)"--no-warnings";
    if (ask->typescript)
        *arg++ = (char *)"--experimental-strip-types";
    *arg++ = (char *)"-e";
    *arg++ = (char *)code;
    *arg++ = (char *)ask->file;
    *arg++ = (char *)(ask->expression ? "expression" : "module");
    *arg = NULL;
    struct child_conf child = { .file = ask->node,
                                .argv = argv,
                                .fds = { -1, said_write, said_write, out_write },
                                .fds_n = 4,
                                .group = true,
                                .death_signal = SIGKILL };

    err = child_start(&child, &r->pid, NULL);
    if (err)
        return err;
    r->out = TAKE(out_read, -1);
    r->said = TAKE(said_read, -1);
    return 0;
}

enum ending { ENDED, TIMED_OUT, TOO_LONG };

/* Adds what is there to `out`; at the end of it *fd becomes -1. What is more than `most` is read
 * and left aside, since a writer must not wait for us. */
static void take(struct pollfd *p, struct buf *out, size_t most)
{
    char part[4096];
    ssize_t n;

    if (!p->revents)
        return;
    n = read(p->fd, part, sizeof(part));
    if (n > 0)
        buf_add(out, str_sub(str_make(part, (size_t)n), 0, out->len < most ? most - out->len : 0));
    else if (n == 0 || errno != EINTR)
        p->fd = -1;
}

static enum ending run_read(const struct run *r, struct buf *json, struct buf *said)
{
    struct pollfd fds[2] = { { .fd = r->out, .events = POLLIN },
                             { .fd = r->said, .events = POLLIN } };
    u64 end_ns = clock_now_ns() + EVALUATE_NS, now_ns;

    /* Grandchildren may hold `said` open: the end of `out` is the end. */
    while (fds[0].fd >= 0) {
        now_ns = clock_now_ns();
        if (now_ns >= end_ns)
            return TIMED_OUT;
        if (poll(fds, 2, (int)((end_ns - now_ns) / NS_PER_MS) + 1) <= 0)
            continue;
        take(&fds[1], said, SAID_BYTES_MAX);
        take(&fds[0], json, CONFIG_BYTES_MAX + 64);
        if (json->len > CONFIG_BYTES_MAX)
            return TOO_LONG;
    }
    while (fds[1].fd >= 0 && poll(&fds[1], 1, 0) > 0 && said->len < SAID_BYTES_MAX)
        take(&fds[1], said, SAID_BYTES_MAX);
    return ENDED;
}

/* "/a/b.js:12" or "file:///a/b.js:12:5" at the beginning of a line of its own. */
static bool place_take(struct str line, struct problem *p)
{
    struct str path = line;
    u64 number = 0, n;

    if (str_starts(path, STR("file://")))
        path = str_sub(path, 7, path.len);
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    /* Up to two numbers stand at the end: the line, and maybe the column. */
    for (int i = 0; i < 2; i++) {
        size_t colon = path.len;

        while (colon && path.ptr[colon - 1] != ':')
            colon--;
        if (colon < 2 || !str_to_u64(str_sub(path, colon, path.len), &n))
            break;
        number = n;
        path.len = colon - 1;
    }
    if (number == 0)
        return false;
    str_to_cstr(path, p->file, sizeof(p->file));
    p->line = (u32)number;
    return true;
}

/* "SyntaxError: …", "Error [ERR_…]: …" */
static bool is_error(struct str line)
{
    struct str rest, name = str_cut(line, ':', &rest);
    ptrdiff_t bracket = str_index(name, '[');

    if (bracket > 0)
        name = str_trim(str_sub(name, 0, (size_t)bracket));
    return rest.ptr && (str_ends(name, STR("Error")) || str_ends(name, STR("Exception"))) &&
           str_index(name, ' ') < 0;
}

void evaluate_error(struct str said, const char *shown, struct problem *p)
{
    struct str why = { 0 }, first = { 0 };
    bool place = false;

    *p = (struct problem){ 0 };
    for (struct str rest = said; rest.ptr && !why.ptr;) {
        struct str line = str_cut(rest, '\n', &rest);

        if (is_error(line))
            why = line;
        else if (!place && place_take(line, p))
            place = true;
        else if (str_starts(str_trim(line), STR("Error: ")))
            why = str_trim(line);
        else if (!first.ptr && str_trim(line).len && line.ptr[0] != ' ')
            first = line;
    }
    /* No line of its own: the first frame of the stack. */
    for (struct str rest = said; rest.ptr && !place;) {
        struct str line = str_trim(str_cut(rest, '\n', &rest));
        ptrdiff_t open = str_index(line, '(');

        if (!str_starts(line, STR("at ")))
            continue;
        line = open < 0 ? str_sub(line, 3, line.len) : str_sub(line, (size_t)open + 1, line.len);
        if (str_ends(line, STR(")")))
            line.len--;
        place = place_take(line, p);
    }
    if (!place)
        str_to_cstr(str_of(shown), p->file, sizeof(p->file));
    why = why.ptr ? why : first.ptr ? first : STR("node ended without a word");
    problem_set(p, "%.*s", STR_ARG(str_sub(why, 0, 400)));
}

/* The answer without lines, which are not those of the file; a mistake when it holds no value. */
static int answer_take(struct json_value **answer, struct str json, const char *shown,
                       struct problem *p)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    struct str at, what;
    int err = json_value_parse(&root, json, shown, p);

    if (err)
        return err;
    at = json_value_text(json_value_member(root, "at"));
    what = json_value_text(json_value_member(root, "what"));
    if (what.len) {
        str_to_cstr(str_of(shown), p->file, sizeof(p->file));
        return problem_set(p,
                           "%.*s %.*s; a file of settings gives plain data: texts, numbers, true, "
                           "false, lists and objects",
                           STR_ARG(str_sub(at, 0, 200)), STR_ARG(str_sub(what, 0, 200)));
    }
    json_value_lines_forget(root);
    *answer = TAKE(root, NULL);
    return 0;
}

int evaluate_file(const struct evaluate_ask *ask, struct json_value **answer, struct buf *said,
                  struct problem *p)
{
    AUTO(buf_done) struct buf json = { 0 };
    struct run r = { .out = -1, .said = -1 };
    enum ending ending;
    int err = run_start(&r, ask), status = 0;

    *p = (struct problem){ 0 };
    str_to_cstr(str_of(ask->shown), p->file, sizeof(p->file));
    if (err)
        return problem_set(p, "node (%s) cannot be started: %s", ask->node, strerror(-err));
    ending = run_read(&r, &json, said);
    kill(-r.pid, SIGKILL); /* what it has left running, too; it itself has most likely ended */
    while (waitpid(r.pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(r.out);
    close(r.said);
    switch (ending) {
    case TIMED_OUT:
        return problem_set(p, "it has given no settings within %llu s; does it wait for something?",
                           (unsigned long long)(EVALUATE_NS / NS_PER_S));
    case TOO_LONG:
        return problem_set(p, "it gives more than 1 MiB of settings");
    case ENDED:
        break;
    }
    if (json.failed || said->failed)
        return -ENOMEM;
    if (json.len)
        return answer_take(answer, buf_str(&json), ask->shown, p);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return problem_set(p, "it has ended the process (process.exit?) before it gave settings");
    evaluate_error(buf_str(said), ask->shown, p);
    return -EINVAL;
}
