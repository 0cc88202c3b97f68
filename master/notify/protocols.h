// The environment variables by which workers are told of their listeners: systemd's, and those of other
// supervisors.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"
#include "master/notify/worker_facts.h"

namespace sup {

// `facts.words` must have generation, slot, count (of listeners), master (the master's pid), and, for
// einhorn, ack (the path of its socket). Not LISTEN_PID, which only spawn() can know. Pure.
std::map<std::string, std::string> protocol_variables(std::span<const config::Protocol> protocols,
                                                      const WorkerFacts& facts);

// Whether a variable of this name speaks of descriptors, by any of the protocols: one that the master
// inherited speaks of the master's own.
bool is_protocol_variable(std::string_view name);

}  // namespace sup
