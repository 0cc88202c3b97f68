#include "master/runtime/instance_paths.h"

namespace sup {

InstancePaths::InstancePaths(const std::string& runtime_directory, const std::string& name)
    : folder(runtime_directory + "/" + name),
      lock(folder + "/lock"),
      pid(folder + "/pid"),
      control_socket(folder + "/control.sock"),
      log(folder + "/sup.log"),
      older_log(log + ".1"),
      live_workers(folder + "/workers"),
      failed_start_log(folder + "~failed-start.log") {}

std::string InstancePaths::notify_socket(core::WorkerId worker) const {
    return folder + "/notify." + std::to_string(static_cast<std::uint64_t>(worker));
}

std::string InstancePaths::ack_socket(core::WorkerId worker) const {
    return folder + "/ack." + std::to_string(static_cast<std::uint64_t>(worker));
}

}  // namespace sup
