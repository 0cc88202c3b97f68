#include "master/process/listener.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "config/address.h"

namespace sup {
namespace {

using Sockets = std::vector<std::shared_ptr<const ListeningSocket>>;

// Whether a held listener's socket is the one that `wanted` means. What the kernel chose for a ":0" may later
// be written out as a number: that is the same address, too.
bool serves(const Listener& held, const config::Listen& wanted) {
    const ListeningSocket& socket = *held.socket();
    if (wanted.address.port == 0) return held.name() == wanted.name && socket.configured() == wanted.address;
    return socket.bound() == wanted.address;
}

// The newest one that is not taken yet.
std::shared_ptr<const ListeningSocket> find_held(const config::Listen& wanted, const Listeners& held,
                                                 const Sockets& taken) {
    for (const auto& listener : held) {
        const bool is_taken = std::find(taken.begin(), taken.end(), listener->socket()) != taken.end();
        if (!is_taken && serves(*listener, wanted)) return listener->socket();
    }
    return nullptr;
}

const Listener* find_conflict(const config::Listen& wanted, const Listeners& held) {
    const auto found = std::find_if(held.begin(), held.end(), [&](const auto& listener) {
        return config::overlap(listener->socket()->bound(), wanted.address);
    });
    return found == held.end() ? nullptr : found->get();
}

Error conflict_error(const config::Listen& wanted, const Listener& holder) {
    return Error{
        "listener " + wanted.name + ": " + config::to_string(wanted.address) + " is still held by listener " +
        holder.name() + " (" + holder.address() +
        ") of a running generation, and the kernel does not give an address out twice: use another port, or "
        "stop the instance and start it again"};
}

}  // namespace

Listener::Listener(const config::Listen& settings, std::shared_ptr<const ListeningSocket> socket)
    : settings_(settings), socket_(std::move(socket)), address_(config::to_string(socket_->bound())) {}

Result<std::shared_ptr<const Listener>> Listener::bind(const config::Listen& settings) {
    auto socket = ListeningSocket::bind(settings);
    if (!socket) return socket.error();
    return std::make_shared<const Listener>(settings, std::move(*socket));
}

Status Listener::restore() const {
    if (::listen(fd(), settings_.backlog) != 0) return errno_error("listener " + name() + ": listen");
    return settings_.nonblock ? set_nonblock(true) : Success{};
}

Status Listener::reset() const {
    Status restored = restore();
    return restored ? set_nonblock(settings_.nonblock) : restored;
}

bool Listener::nonblock_now() const {
    const int flags = ::fcntl(fd(), F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

Status Listener::set_nonblock(bool nonblock) const {
    const int flags = ::fcntl(fd(), F_GETFL);
    if (flags < 0) return errno_error("listener " + name() + ": F_GETFL");
    const int wanted = nonblock ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (wanted != flags && ::fcntl(fd(), F_SETFL, wanted) != 0) {
        return errno_error("listener " + name() + ": F_SETFL");
    }
    return Success{};
}

Result<Listeners> acquire_listeners(const std::vector<config::Listen>& wanted, const Listeners& held) {
    Listeners listeners;
    Sockets taken;
    for (const config::Listen& settings : wanted) {
        if (auto socket = find_held(settings, held, taken)) {
            taken.push_back(socket);
            listeners.push_back(std::make_shared<const Listener>(settings, std::move(socket)));
            continue;
        }
        // Asked first, because the kernel would only say that somebody has it.
        if (const Listener* holder = find_conflict(settings, held)) return conflict_error(settings, *holder);
        auto bound = Listener::bind(settings);
        if (!bound) return bound.error();
        listeners.push_back(std::move(*bound));
    }
    return listeners;
}

}  // namespace sup
