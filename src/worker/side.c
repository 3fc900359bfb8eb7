/* worker/side.c -- side processes: workers that are not Node, and get no traffic */
#include "worker/side.h"

#include "base/log.h"
#include "worker/crew.h"

#define KNOWN_NS (1 * NS_PER_S)
#define UNKNOWN_NS (10 * NS_PER_S)

bool side_is_ready(bool is_side, bool is_node, u64 lived_ns)
{
    return !is_node && lived_ns >= (is_side ? KNOWN_NS : UNKNOWN_NS);
}

void side_begin(struct process *p)
{
    struct slots_user user = {
        .app = p->app->index,
        .worker = p->worker->number,
        .pid = (u32)p->pid,
        .is_main = true,
        .restarts = p->worker->starts ? p->worker->starts - 1 : 0,
        .node_version = "",
        .started_ns = p->started_ns,
    };

    if (!p->app->conf->is_side)
        log_info("%s (pid %d) runs without fettle's agent: it is not Node, or does not keep "
                 "NODE_OPTIONS",
                 p->worker->name, (int)p->pid);
    p->side_slot = slots_take(&p->crew->slots, &user);
}

void side_end(struct process *p)
{
    if (p->side_slot < 0)
        return;
    slots_leave(&p->crew->slots, (u32)p->side_slot, loop_now_ns(p->crew->loop));
    p->side_slot = -1;
    crew_changed(p->crew);
}

void side_publish(struct process *p)
{
    enum shm_state state = p->state == PROCESS_READY      ? SHM_READY
                           : p->state == PROCESS_STARTING ? SHM_STARTING
                           : p->state == PROCESS_KILLED   ? SHM_BLOCKED
                                                          : SHM_DRAINING;

    if (p->side_slot >= 0)
        slots_state(&p->crew->slots, (u32)p->side_slot, state);
}
