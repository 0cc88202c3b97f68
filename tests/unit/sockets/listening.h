// Listeners, of which nothing but success is expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "master/sockets/listener.h"
#include "tests/catch.h"

namespace sup::test {

inline std::shared_ptr<const Listener> bound(const config::Listen& settings, std::size_t slots = 1) {
    auto listener = Listener::bind(settings, slots);
    if (!listener) FAIL(listener.error().message);
    return *listener;
}

inline Listeners acquired(const std::vector<config::Listen>& wanted, const Listeners& held) {
    auto listeners = acquire_listeners(wanted, held);
    if (!listeners) FAIL(listeners.error().message);
    return *listeners;
}

inline std::uint16_t port_of(const Listener& listener) {
    return listener.socket()->bound().inet()->port;
}

}  // namespace sup::test
