// Keeps the clients of `reuseport` listeners where workers accept, as the workers come and go.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "common/result.h"
#include "master/core/steering.h"
#include "master/generation.h"

namespace sup {

class ListenerSteering {
public:
    using Generations = std::map<core::GenerationId, std::shared_ptr<const Generation>>;

    // Steers what should be steered otherwise now. To be called before the actions of a step are performed,
    // so that clients go elsewhere before a worker is told to drain; and when a generation is released. What
    // failed, in words.
    std::vector<Error> follow(const core::View& view, const Generations& generations);

private:
    // By the first socket of each group.
    std::map<std::weak_ptr<const ListeningSocket>, core::Steering, std::owner_less<>> steered_;
};

}  // namespace sup
