// Clients of one listener, which generations may have with a socket for each slot, with one for all, or not
// at all. They go where the core says, and must find a worker there that accepts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "master/core/steering.h"
#include "tests/sim/coverage.h"
#include "tests/sim/model.h"
#include "tests/sim/random.h"

namespace sup::sim {

class Clients {
public:
    Clients(Random random, Coverage& coverage) : random_(random), coverage_(coverage) {}

    // What the shell does before it performs the other actions of a step.
    void steer(const core::Event& event, const std::vector<core::Action>& actions);
    // Throws a Violation where a client finds nobody who accepts, although somebody does, or is sent away
    // from one who does.
    void come(const Model& model);
    // After a step's actions.
    void released(const std::vector<core::Action>& actions);

private:
    std::vector<bool> accepting_sockets(const Model& model) const;
    void visit(const Model& model, std::uint32_t homes, const std::vector<bool>& accepting);

    Random random_;
    Coverage& coverage_;
    std::map<core::GenerationId, std::uint32_t> sockets_;  // how many each generation has
    core::Serving serving_;
    core::Steering steering_;
};

}  // namespace sup::sim
