/* shm/refusal.h -- what the reasons of refusals are called in metrics, JSON and access logs */
#pragma once

#include "shm/layout.h"

/* "bad_request" … by enum shm_refusal. */
extern const char *const refusal_name[SHM_REFUSALS];
