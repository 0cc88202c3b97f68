// Where the files of one instance are.
#pragma once

#include <cstdint>
#include <string>

#include "master/core/ids.h"

namespace sup {

struct InstancePaths {
    InstancePaths(const std::string& runtime_directory, const std::string& name);

    std::string folder;          // 0711: a worker of another user must reach its notify socket
    std::string lock;            // held with flock as long as a master lives; everything from here on is 0600
    std::string pid;             // the master's pid and a newline
    std::string control_socket;  //
    std::string log;             // used in the background when `log.file` is not set
    std::string older_log;       // what it was before it grew too long
    std::string live_workers;    // see live_record.h
    // Beside the folder, which goes with a start that failed: what its log said. No instance's name has a
    // "~".
    std::string failed_start_log;

    // A worker's NOTIFY_SOCKET. Short, because a unix socket's path has only 107 bytes.
    std::string notify_socket(core::WorkerId worker) const;
    // A worker's EINHORN_SOCK_PATH; not longer.
    std::string ack_socket(core::WorkerId worker) const;
};

}  // namespace sup
