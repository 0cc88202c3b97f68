// Whether a message comes from a worker.
#pragma once

#include <sys/types.h>

#include <string>

#include "master/process/process_tree.h"

namespace sup {

// As the kernel knows it, when it sent (SCM_CREDENTIALS, SO_PEERCRED).
struct Sender {
    pid_t pid = 0;  // 0: not of our pid namespace
    uid_t user = 0;
};

// Whoever is of the worker's tree is heard; also a sender that has ended already (systemd-notify in a
// script), when its user is one that a living process of the tree has. Refused is only who is positively
// somebody else. Costs nothing where the main process itself speaks.
bool is_heard(const Sender& sender, const WorkerMarks& worker);

// "process 4711 (bash)", or "process 4711, which has ended".
std::string describe(const Sender& sender);

}  // namespace sup
