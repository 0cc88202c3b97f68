// Processes that sup does not end.
#pragma once

#include <string>
#include <vector>

#include "master/core/ids.h"
#include "master/process/process_status.h"
#include "master/status/picture.h"

namespace sup {

struct LeftBehind {
    enum class Why {
        out_of_reach,   // sup may not signal it, or SIGKILL has no effect
        whose_unknown,  // an orphan that this worker has left, or another one that lives
    };
    Why why = Why::out_of_reach;
    ProcessStat process;
    std::string name;  // "process 4711 (server)"
    core::GenerationId generation{};
    core::Slot slot = 0;
    std::string listeners;  // that it holds, or may: "http 127.0.0.1:8080, …"
};

class LeftBehindList {
public:
    // One that is known already stays that of the worker it was found with first.
    void add(LeftBehind left);
    bool contains(const ProcessStat& process) const;
    bool is_out_of_reach(const ProcessStat& process) const;
    // Those that live on, for the status and for who stops the instance.
    std::vector<status::LeftBehind> picture() const;
    // In words, of which "process 4711 (server), " comes before.
    static const char* words(LeftBehind::Why why);

private:
    std::vector<LeftBehind> all_;
};

}  // namespace sup
