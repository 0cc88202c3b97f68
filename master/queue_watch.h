// Finds the listener that nobody accepts from: a server that opened a socket of its own and said READY=1, or
// hangs. Looks when it is told to, and for some seconds on only where something waits; idle, it does nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/uv.h"
#include "master/process/listener.h"

namespace sup {

// Told of a queue each time somebody looked.
class QueueHistory {
public:
    // Whether nobody has taken from it for so many looks in a row.
    bool unattended() const noexcept { return looks_ >= enough_looks; }
    // Whether it must be looked at further to know.
    bool suspicious() const noexcept { return looks_ > 0 && !unattended(); }
    void saw(std::uint64_t length);

private:
    // The first and then some, a fraction of a second apart: one that is served gets shorter at times.
    static constexpr int enough_looks = 8;
    std::uint64_t last_ = 0;
    int looks_ = 0;  // in a row in which something waited and nothing less than before
};

class QueueWatch {
public:
    using Told = std::function<void(const Listener& listener, const std::string& problem)>;
    // `listeners`: those that should be served now. `told`: of each that nobody accepts from, once; with an
    // empty problem when somebody does again.
    QueueWatch(uv_loop_t* loop, std::function<Listeners()> listeners, Told told);

    // Soon after another look it does nothing.
    void look();
    // Nothing is looked at any more.
    void stop() { timer_.cancel(); }
    // Some seconds from now, when the workers that were replaced have left.
    void look_later();
    // "nobody accepts from http: 37 clients wait", or nothing.
    std::string problem_of(const Listener& listener) const;

private:
    void forget_all_but(const Listeners& listeners);

    uv_loop_t* loop_;
    std::function<Listeners()> listeners_;
    Told told_;
    std::optional<std::uint64_t> looked_at_;  // uv_now(), milliseconds
    std::map<std::weak_ptr<const ListeningSocket>, QueueHistory, std::owner_less<>> queues_;
    uv::Timer timer_;
};

}  // namespace sup
