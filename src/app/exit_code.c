/* app/exit_code.c -- what fettle's exit status tells */
#include "app/exit_code.h"

const struct exit_code exit_codes[] = {
    { "0", "Ended as it was asked to (SIGTERM, SIGINT), or the app has finished by itself." },
    { "1", "The app could not be started or never became ready, or fettle itself could not go on; "
           "the log says why. Of a command such as reload: it failed, and the message says why; of "
           "one that checks limits (heap check, cpu diff --max-regression): one is not kept." },
    { "2", "The command line, an environment variable or a file holds a mistake; the message says "
           "what would be right." },
    { "3", "Something that was named is not there: the app's file, folder or script, the node "
           "program, a part of fettle; or an app of that name that runs." },
    { "128+N", "A second signal N while it was ending: all was ended at once." },
};

const u32 exit_code_count = ARRAY_LEN(exit_codes);
