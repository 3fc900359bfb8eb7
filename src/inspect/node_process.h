/* inspect/node_process.h -- what the kernel says of a process that may be Node (proc(5)) */
#pragma once

#include "base/problem.h"

struct node_process {
    u32 pid;
    u32 uid;
    bool catches_sigusr1; /* else the signal would end it, or be lost */
    bool is_node;         /* by its program's name, or libnode */
    bool other_net;       /* it is in another network namespace than we are */
    u64 rss_bytes;
    u64 start_ticks;   /* when it was started: with its pid its identity */
    bool says_inspect; /* its command line or NODE_OPTIONS open an inspector */
    u16 inspect_port;  /* on which it would open: 9229 unless something there says otherwise */
    char title[96];    /* the beginning of its command line: "node server.js" */
};

/* Reads /proc/PID. -EINVAL with *p: there is none, or we may not look at it. */
MUST_USE int node_process_look(struct node_process *out, u32 pid, struct problem *p);
/* Whether it is the same one still. */
MUST_USE bool node_process_alive(const struct node_process *np);
/* Whether its main thread is at work, or waits for a CPU only. */
MUST_USE bool node_process_runs(const struct node_process *np);

/* What a text of /proc/PID/status says; for tests. */
void node_process_status(struct node_process *out, struct str text);
/* What one word of a command line or of NODE_OPTIONS says of the inspector ("--inspect-port=0");
 * for tests. */
void node_process_option(struct node_process *out, struct str word);
