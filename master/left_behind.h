// Processes of workers that sup can do nothing about.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "master/core/ids.h"
#include "master/process/process_status.h"

namespace sup {

struct LeftBehind {
    ProcessStat process;
    std::string name;  // "process 4711 (server)"
    core::GenerationId generation{};
    core::Slot slot = 0;
    std::string listeners;  // that it may still hold: "http 127.0.0.1:8080, …"
};

class LeftBehindList {
public:
    // One that is known already stays that of the worker it was found with first.
    void add(LeftBehind left);
    // Those that live on: an array of objects, for the status and for who stops the instance.
    nlohmann::json to_json() const;

private:
    std::vector<LeftBehind> all_;
};

}  // namespace sup
