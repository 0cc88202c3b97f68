#include "master/process/listener.h"

#include <algorithm>
#include <utility>

#include "config/address.h"
#include "master/process/inet_socket.h"

namespace sup {
namespace {

using Sockets = std::vector<std::shared_ptr<const ListeningSocket>>;

// Whether a held listener's socket is the one that `wanted` means. What the kernel chose for a ":0" may later
// be written out as a number: that is the same address, too.
bool serves(const Listener& held, const config::Listen& wanted) {
    const ListeningSocket& socket = *held.socket();
    const config::InetAddress* inet = wanted.address.inet();
    if (inet != nullptr && inet->port == 0) {
        return held.name() == wanted.name && socket.configured() == wanted.address;
    }
    return socket.bound() == wanted.address && socket.reachable();
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
        return config::overlap(listener->socket()->bound(), wanted.address) &&
               listener->socket()->reachable();
    });
    return found == held.end() ? nullptr : found->get();
}

Error conflict_error(const config::Listen& wanted, const Listener& holder) {
    return Error{
        "listener " + wanted.name + ": " + config::to_string(wanted.address) + " is still held by listener " +
        holder.name() + " (" + holder.address() +
        ") of a running generation, and the kernel does not give an address out twice: use another one, or "
        "stop the instance and start it again"};
}

Result<SocketAccess> access_of(const config::Listen& settings) {
    auto access = resolve_access(settings.access);
    if (!access) return listener_error(settings, "has no owner: " + access.error().message);
    return access;
}

Status named(const Status& status, const std::string& listener) {
    return status ? status : Status(Error{"listener " + listener + ": " + status.error().message});
}

}  // namespace

Listener::Listener(const config::Listen& settings, const SocketAccess& access,
                   std::shared_ptr<const ListeningSocket> socket)
    : settings_(settings),
      access_(access),
      socket_(std::move(socket)),
      address_(config::to_string(socket_->bound())) {}

Result<std::shared_ptr<const Listener>> Listener::bind(const config::Listen& settings) {
    const auto access = access_of(settings);
    if (!access) return access.error();
    auto socket = ListeningSocket::bind(settings, *access);
    if (!socket) return socket.error();
    return std::make_shared<const Listener>(settings, *access, std::move(*socket));
}

std::string Listener::kind() const {
    return std::string(config::kind_of(settings_.address));
}

std::string Listener::private_path() const {
    const SocketFile* file = socket_->file();
    return file == nullptr ? std::string() : file->private_path();
}

Status Listener::restore() const {
    const Status restored = named(socket_->restore(settings_, access_), name());
    if (!restored || socket_->reachable()) return restored;
    return Error{"listener " + name() + ": somebody has removed or replaced " + *settings_.address.path() +
                 ", so new clients cannot find it; the next `sup reload` binds it again"};
}

Status Listener::reset() const {
    Status restored = restore();
    return restored ? named(socket_->set_nonblock(settings_.nonblock), name()) : restored;
}

Result<Listeners> acquire_listeners(const std::vector<config::Listen>& wanted, const Listeners& held) {
    Listeners listeners;
    Sockets taken;
    for (const config::Listen& settings : wanted) {
        if (auto socket = find_held(settings, held, taken)) {
            const auto access = access_of(settings);
            if (!access) return access.error();
            taken.push_back(socket);
            listeners.push_back(std::make_shared<const Listener>(settings, *access, std::move(socket)));
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
