#include "worker/lifecycle/loop_thread.h"

#include <cstdlib>
#include <string>

#include "worker/lifecycle/log_line.h"

namespace sup::worker {

void LoopThread::refuse(const char* what) {
    log_line(
        std::string(what) +
        " was called on a different thread from the one that runs the worker (Worker::run()). From other "
        "threads call Worker::post(), which runs a task in the worker's thread, or answer with what "
        "Response::detach() returns");
    std::abort();
}

}  // namespace sup::worker
