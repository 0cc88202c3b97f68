// The long-lived process: binds the listeners, runs the generations, answers on the control socket.
#pragma once

#include <string>

#include "common/unique_fd.h"
#include "config/config.h"
#include "master/instance/engine.h"
#include "master/runtime/instance_directory.h"

namespace sup {

struct MasterOptions {
    config::Config config;  // the first generation's, already validated; config.file is read again on reload
    InstanceDirectory directory;  // with its lock held; the master owns what lies in it
    bool background = false;      // decides where the log goes when `log.file` is not set
    UniqueFd report{};  // optional: a stream on which progress and outcome of the start are written,
                        // as the control protocol's `event` notifications and one final response (id 0)
    Witness witness{};  // optional
};

// Runs until the instance has ended; the process's exit code (0 after a stop, 1 when the first generation
// failed). Called once, from the main thread, with no other thread in the process.
int run_master(MasterOptions options);

}  // namespace sup
