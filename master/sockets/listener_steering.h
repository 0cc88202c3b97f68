// Keeps the clients of `reuseport` listeners where workers accept, as the workers come and go.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "common/result.h"
#include "master/core/steering.h"
#include "master/sockets/listener.h"

namespace sup {

class ListenerSteering {
public:
    // Those of each generation that is not gone.
    using ByGeneration = std::map<core::GenerationId, Listeners>;

    // Changes the steering where it should be different now: when the core says who serves, and when a
    // generation is released. What failed, in words.
    std::vector<Error> follow(const core::Serving& serving, const ByGeneration& listeners_of);

    // It was shut down, and listens again: the kernel moved the last socket of its group to its place, and it
    // has rejoined at the end. To be called before follow().
    void rejoined(const std::shared_ptr<const ListeningSocket>& socket, const ByGeneration& listeners_of);

private:
    using FirstSocket = std::weak_ptr<const ListeningSocket>;
    // The sockets, by the order in which they joined, at their places in the kernel's list. None: in order.
    std::vector<bool> by_place(const std::shared_ptr<const ListeningSocket>& first,
                               const std::vector<bool>& accepting) const;

    std::map<FirstSocket, std::vector<std::size_t>, std::owner_less<>> places_;
    // By each group's first socket.
    std::map<std::weak_ptr<const ListeningSocket>, core::Steering, std::owner_less<>> steered_;
};

}  // namespace sup
