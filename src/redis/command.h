/* redis/command.h -- commands as bytes: RESP's array of bulk strings */
#pragma once

#include "base/buf.h"

/* A command of `n` words, each of which command_word or command_number adds. */
void command_begin(struct buf *out, u32 n);
void command_word(struct buf *out, struct str word);
void command_number(struct buf *out, u64 n);
