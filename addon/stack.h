/* addon/stack.h -- what JavaScript the main thread is stuck in
 *
 * V8 is asked from the agent thread to interrupt itself (v8::Isolate::RequestInterrupt); in the
 * interrupt, on the main thread, v8::StackTrace::CurrentStackTrace walks the frames, which runs
 * no code of the application. The functions are looked up by their C++ names in the node binary;
 * where they are missing, and when the interrupt does not run within 500 ms because the thread is
 * in native code, the answer says so, with the system call it sits in.
 */
#pragma once

#include <node_api.h>

/* On the main thread, in the main environment. */
void stack_init(napi_env env);
/* The environment ends: no interrupt touches it any more. */
void stack_done(void);

/* On the agent thread: finds out, and sends WIRE_STACK_TEXT. When native code held the thread,
 * a second text follows once JavaScript runs again, with the line that called it. */
void stack_answer(void);

/* On the agent thread: finds out, and puts it into the journal (shm/blocked.h). It waits for 15 ms
 * at most; what native code held the thread puts its line there when it has returned. */
void stack_record(void);

/* The isolate of the main environment; NULL when V8's functions were not found. */
void *stack_isolate(void);
