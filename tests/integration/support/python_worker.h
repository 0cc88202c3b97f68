// Workers in Python.
#pragma once

#include <string>

namespace sup::test {

// The beginning of one that takes what comes to its only listener without blocking, so that a signal never
// finds it between a client and the answer. It waits for `listener` or `waker` until `stopping`.
inline const std::string python_worker = R"(
import os, select, signal, socket

listener = socket.socket(fileno=3)
listener.setblocking(False)
stopping = False

def stop(*_):
    global stopping
    stopping = True

waker, wake = socket.socketpair()
wake.setblocking(False)
signal.set_wakeup_fd(wake.fileno())
signal.signal(signal.SIGTERM, stop)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
)";

}  // namespace sup::test
