// Who has sent a message.
#pragma once

#include <sys/types.h>

#include <string>

namespace sup {

// As the kernel knows it, when it sent (SCM_CREDENTIALS, SO_PEERCRED).
struct Sender {
    pid_t pid = 0;  // 0: not of our pid namespace
    uid_t user = 0;
};

// "process 4711 (bash)", or "process 4711, which has ended,".
std::string describe(const Sender& sender);

}  // namespace sup
