#include "master/cli/start_script.h"

#include "tests/catch.h"

using sup::cli::keeps_shell_in_between;

TEST_CASE("a shell script that runs its server without exec keeps the shell in between") {
    for (const char* script :
         {"#!/bin/sh\n./server\n", "#!/usr/bin/env bash\nexport A=1\n./server --port 1\necho done\n",
          "#! /bin/dash -e\n# exec ./server\n./server", "#!/bin/bash\nexec 2>&1\n./server\n"}) {
        INFO(script);
        CHECK(keeps_shell_in_between(script));
    }
}

TEST_CASE("nothing is said of a script that execs its server or traps signals, nor of other files") {
    for (const char* script :
         {"#!/bin/sh\nexec ./server\n", "#!/bin/sh\n[ -f env ] && . ./env; exec ./server\n",
          "#!/bin/bash\ntrap 'kill $child' TERM\n./server & child=$!\nwait\n",
          "#!/usr/bin/python3\nimport os\n",
          "\x7f"
          "ELF",
          "", "./server\n", "#!/bin/sh\n"}) {
        INFO(script);
        CHECK_FALSE(keeps_shell_in_between(script));
    }
}
