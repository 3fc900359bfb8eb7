/* app/cpu_flame.c -- `fettle cpu flame FILE` and `fettle heap flame FILE` */
#include "app/browser.h"
#include "app/command.h"
#include "app/cpu_options.h"
#include "app/exit_code.h"
#include "app/flame_file.h"
#include "app/heap_load.h"
#include "app/profile_file.h"
#include "base/json.h"

static struct str output_of(const struct cpu_options *o, enum flame_format format, struct buf *made)
{
    if (o->output.len)
        return o->output;
    buf_add(made, flame_file_stem(str_of(o->word[0])));
    buf_add(made, str_of(flame_file_ending(format)));
    buf_addc(made, '\0');
    return str_make(made->ptr, made->len - 1);
}

/* Which form; a usage message, when the name of the file says nothing. */
static int format_of(const struct cpu_options *o, enum flame_format *out)
{
    if (o->format != CPU_FORMAT_AUTO) {
        *out = (enum flame_format)(o->format - 1);
        return EXIT_OK;
    }
    *out = FLAME_HTML;
    if (!o->output.len || str_eq(o->output, STR("-")) || flame_file_format(o->output, out))
        return EXIT_OK;
    return command_usage("-o %.*s: its ending does not say what to write; name it .html, .svg or "
                         ".speedscope.json, or say --format",
                         STR_ARG(o->output));
}

/* What a browser opens. */
static bool open_in_browser(const char *path)
{
    AUTO(freep) char *whole = realpath(path, NULL);
    AUTO(buf_done) struct buf url = { 0 };

    buf_add(&url, STR("file://"));
    for (const char *c = whole; c && *c; c++) {
        if ((u8)*c <= ' ' || (u8)*c >= 0x7f || strchr("%?#\"<>", *c))
            buf_addf(&url, "%%%02X", (u8)*c);
        else
            buf_addc(&url, *c);
    }
    buf_addc(&url, '\0');
    return whole && !url.failed && browser_open(url.ptr);
}

static int said_json(const char *path, enum flame_format format, const struct flame_written *w)
{
    AUTO(buf_done) struct buf out = { 0 };

    buf_addc(&out, '{');
    json_key(&out, "file");
    json_text(&out, str_of(path));
    json_key(&out, "format");
    json_text(&out, str_of(flame_file_word(format)));
    json_key(&out, "bytes");
    json_u64(&out, w->bytes);
    json_key(&out, "calls");
    json_u64(&out, w->calls);
    json_key(&out, "left_out");
    json_u64(&out, w->left_out);
    buf_add(&out, STR("}\n"));
    return command_print(&out);
}

static int said(const struct cpu_options *o, const char *path, enum flame_format format,
                const struct flame_written *w)
{
    bool opened = o->open && format != FLAME_SPEEDSCOPE && open_in_browser(path);

    if (o->json)
        return said_json(path, format, w);
    fprintf(stderr, "%s: %u call%s, %.*f MB", path, w->calls, w->calls == 1 ? "" : "s",
            w->bytes < 100000 ? 2 : 1, (double)w->bytes / 1e6);
    if (w->left_out)
        fprintf(stderr, "; %u more are too small to be in it", w->left_out);
    fprintf(stderr, "\n%s\n",
            format == FLAME_SPEEDSCOPE ? "Open it at https://www.speedscope.app, which sends it "
                                         "nowhere, or with: npx speedscope FILE"
            : opened                   ? "It is opened in the browser."
                                       : "Open it in a browser.");
    return EXIT_OK;
}

static int run(int argc, char **argv, const struct settings_table *flags, const char *needs,
               const char *kind)
{
    AUTO(cpu_options_done) struct cpu_options o = { 0 };
    AUTO(profile_done) struct profile profile = { 0 };
    AUTO(buf_done) struct buf made = { 0 };
    struct flame_written written = { 0 };
    enum flame_format format;
    struct problem p = { 0 };
    struct str path;
    int code = cpu_options_read(&o, flags, argc, argv, 1, 1, needs), err;

    if (!code)
        code = format_of(&o, &format);
    if (code)
        return max(code, 0);
    path = output_of(&o, format, &made);
    if (str_eq(path, STR("-")) && o.json)
        return command_usage("-o - and --json both write to the standard output");
    err = made.failed ? -ENOMEM : profile_file_read(&profile, o.word[0], kind, o.source_maps, &p);
    if (err)
        return heap_load_failed(err, o.word[0], &p);
    err = flame_file_write(&profile, flame_file_stem(str_of(o.word[0])), path.ptr, format, &written,
                           &p);
    if (err) {
        command_problem(err == -ENOMEM ? &(struct problem){ .text = "out of memory" } : &p);
        return EXIT_APP;
    }
    return str_eq(path, STR("-")) ? EXIT_OK : said(&o, path.ptr, format, &written);
}

int cpu_flame_command(int argc, char **argv)
{
    return run(argc, argv, &cpu_flame_flags, "a FILE, such as app.cpuprofile", "CPU profile");
}

int heap_flame_command(int argc, char **argv)
{
    return run(argc, argv, &heap_flame_flags, "a FILE, such as app.heapprofile",
               "profile of allocations");
}
