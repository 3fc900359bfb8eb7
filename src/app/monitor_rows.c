/* app/monitor_rows.c -- the rows of a list that monitors have */
#include "app/monitor_rows.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "app/row.h"

/* Of one fettle; of one of its apps, or all. */
static int of_peer(const struct monitor_rows *rows, const struct control_peer *peer, struct str app,
                   u32 worker)
{
    AUTO(json_value_freep) struct json_value *page = NULL;
    const struct json_value *list;
    int r = monitor_client_get(peer->found.path, rows->page, &page);

    if (r < 0) {
        fprintf(stderr, "fettle: the monitor of the fettle with pid %u does not answer: %s\n",
                peer->found.pid, strerror(-r));
        return EXIT_APP;
    }
    list = json_value_member(page, rows->list);
    for (u32 i = 0; i < json_value_count(list); i++) {
        const struct json_value *row = json_value_at(list, i);

        if (!app.len || str_eq(app, row_text(row, "app")))
            rows->take(rows->arg, row, worker);
    }
    return 0;
}

int monitor_rows_each(const struct monitor_rows *rows, const struct control_options *options,
                      const char *word)
{
    AUTO(control_peers_done) struct control_peers ps = { 0 };
    struct control_app app = { 0 };
    struct problem p = { 0 };
    int code = 0, err;

    control_peers_open(&ps, options);
    if (word || ps.count == 0) {
        err = control_peers_app(&ps, options, word, &app, &p);
        if (err) {
            command_problem(&p);
            return err == -ENOENT ? EXIT_MISSING : EXIT_USAGE;
        }
        return of_peer(rows, app.peer, app.name, app.worker);
    }
    for (u32 i = 0; i < ps.count; i++)
        if (!options->pid || ps.peer[i].found.pid == options->pid)
            code = max(code, of_peer(rows, &ps.peer[i], (struct str){ 0 }, 0));
    return code;
}
