/* app/pm2_page.c -- `fettle __pm2-md`: doc/pm2.md, made from the table of pm2's keys */
#include "app/command.h"
#include "conf/pm2.h"

static const char head[] =
    "# Coming from pm2\n\n"
    "<!-- Made by `fettle __pm2-md` from the tables in src/conf/pm2_keys.c and src/app/pm2_page.c: "
    "change those. -->\n\n"
    "`fettle run ecosystem.config.js` runs pm2's file as it is: also `.cjs`, `.mjs`, `.json` (with "
    "comments), "
    "`pm2.config.js`,\n`process.json` and any other `*.config.js`. Every key that pm2 knows does "
    "here what it "
    "does there, or is named:\nat the start as a warning, when it asks for something that does not "
    "happen; and by "
    "`fettle config check`, all of them.\n\n"
    "<!-- file: ecosystem.config.js -->\n"
    "```js\n"
    "module.exports = {\n"
    "  apps: [{\n"
    "    name: 'shop',\n"
    "    script: './server.js',\n"
    "    instances: 2,\n"
    "    exec_mode: 'cluster',\n"
    "    watch: true,\n"
    "    max_memory_restart: '300M',\n"
    "    env: { NODE_ENV: 'development' },\n"
    "    env_production: { NODE_ENV: 'production' },\n"
    "  }, {\n"
    "    name: 'jobs',\n"
    "    script: 'jobs.js',\n"
    "  }],\n"
    "};\n"
    "```\n\n"
    "<!-- test: an ecosystem file -->\n"
    "```sh\n"
    "echo 'console.log(\"cleaned\"); setInterval(() => {}, 1000);' >jobs.js\n"
    "fettle run ecosystem.config.js --env production &\n"
    "# → fettle: shop: watching … for changes\n"
    "# → fettle: shop: http://localhost:3000 → 2 workers\n"
    "# → jobs 1 | cleaned\n"
    "```\n\n"
    "<!-- test: what becomes of its keys -->\n"
    "```sh\n"
    "fettle config check ecosystem.config.js --app shop\n"
    "# → ecosystem.config.js: note: apps[0].exec_mode: workers are processes of their own\n"
    "# → ecosystem.config.js: no mistakes\n"
    "fettle config show ecosystem.config.js --app shop --env production\n"
    "# → max-memory             300M                  ecosystem.config.js "
    "apps[0].max_memory_restart\n"
    "# → env: NODE_ENV=production\n"
    "```\n\n"
    "- All apps of the file run, behind one proxy; with `--only shop,jobs` (or `--app`) these "
    "alone: [several apps](config.md#several-apps).\n"
    "- `--env NAME` adds `env_NAME`, as with pm2. Flags and `FETTLE_…` variables win over the "
    "file: `-w 4`.\n"
    "- Relative paths relate to the folder in which you start fettle, and one process is started "
    "where `instances` is "
    "missing: as with pm2.\n"
    "- pm2 ends a process with SIGINT, fettle with SIGTERM, after its requests have been "
    "answered.\n"
    "- YAML is not read: write the same as JSON.\n\n"
    "Names are taken in all of pm2's forms: `max_memory_restart`, `maxMemoryRestart`, and its "
    "aliases.\n";

static void table_add(struct buf *out, const struct pm2_key *keys, u32 count)
{
    static const char *const fates[] = { [PM2_HONOURED] = "honoured",
                                         [PM2_WARNED] = "warned about",
                                         [PM2_WARNED_OFF] = "warned about when false",
                                         [PM2_NOT_NEEDED] = "not needed" };

    buf_add(out, STR("| key | aliases | | what becomes of it |\n|---|---|---|---|\n"));
    for (u32 i = 0; i < count; i++) {
        struct str rest = str_of(keys[i].aliases);
        bool first = true;

        buf_addf(out, "| `%s` | ", keys[i].name);
        while (rest.ptr) {
            buf_addf(out, "%s`%.*s`", first ? "" : ", ", STR_ARG(str_cut(rest, ' ', &rest)));
            first = false;
        }
        buf_addf(out, "%s| %s | %s |\n", first ? "" : " ", fates[keys[i].fate], keys[i].text);
    }
}

int pm2_page_command(int argc, char **argv)
{
    AUTO(buf_done) struct buf out = { 0 };

    (void)argc;
    (void)argv;
    buf_add(&out, str_of(head));
    buf_add(&out, STR("\n## Beside the apps\n\n"));
    table_add(&out, pm2_top_keys, pm2_top_key_count);
    buf_add(&out, STR("\n## Of an app\n\n"));
    table_add(&out, pm2_keys, pm2_key_count);
    return command_print(&out);
}
