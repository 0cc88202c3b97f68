#include "master/sockets/listener.h"

#include <algorithm>
#include <utility>

#include "config/address.h"
#include "master/sockets/inet_socket.h"
#include "master/sockets/reuseport_group.h"
#include "master/sockets/socket_cloak.h"
#include "master/sockets/socket_owner.h"

namespace sup {
namespace {

// Whether a held listener's socket is the one that `wanted` means. What the kernel chose for a ":0" may later
// be written out as a number: that is the same address, too.
bool serves(const Listener& held, const ListeningSocket& socket, const config::Listen& wanted) {
    const config::InetAddress* inet = wanted.address.inet();
    if (inet != nullptr && inet->port == 0) {
        return held.name() == wanted.name && socket.configured() == wanted.address;
    }
    return socket.bound() == wanted.address && socket.reachable();
}

// Whether it can keep serving: not when a worker has shut down what cannot be mended, nor when it was hidden
// from clients for another one and may not be shown again.
bool is_usable(const ListeningSocket& socket) {
    if (socket.hidden() && !may_show_sockets()) return false;
    return socket.can_listen_again() || !socket.shut_down();
}

bool contains(const Sockets& sockets, const std::shared_ptr<const ListeningSocket>& socket) {
    return std::find(sockets.begin(), sockets.end(), socket) != sockets.end();
}

// Those at one address that are not taken yet, each once, from the newest listener on. The sockets of a group
// come in the order in which they joined it: each generation has the first ones, and only adds to the end.
Sockets find_held(const config::Listen& wanted, const Listeners& held, const Sockets& taken) {
    Sockets found;
    for (const auto& listener : held) {
        for (const auto& socket : listener->sockets()) {
            if (contains(taken, socket) || contains(found, socket)) continue;
            if (!serves(*listener, *socket, wanted) || !is_usable(*socket)) continue;
            if (found.empty() || found.front()->bound() == socket->bound()) found.push_back(socket);
        }
    }
    return found;
}

// Sockets whose addresses overlap what is wanted; of unix sockets, those at its path or name.
Sockets find_overlapping(const config::Listen& wanted, const Listeners& held) {
    Sockets found;
    for (const auto& listener : held) {
        for (const auto& socket : listener->sockets()) {
            if (config::overlap(socket->bound(), wanted.address) && socket->reachable() &&
                !contains(found, socket))
                found.push_back(socket);
        }
    }
    return found;
}

const std::string& holder_of(const std::shared_ptr<const ListeningSocket>& socket, const Listeners& held) {
    return (*std::ranges::find_if(held, [&](const auto& one) { return contains(one->sockets(), socket); }))
        ->name();
}

// Of unix sockets, which nothing lets two sockets share. One that was shut down serves nobody any more: its
// file makes room.
Status make_room(const config::Listen& wanted, const Sockets& overlapping, const Listeners& held) {
    if (wanted.address.inet() != nullptr || overlapping.empty()) return Success{};
    const ListeningSocket& holder = *overlapping.front();
    if (!holder.shut_down())
        return listener_error(wanted, "is still held by listener " + holder_of(overlapping.front(), held) +
                                          " (" + config::to_string(holder.bound()) +
                                          ") of a running generation: use another one, or stop the instance "
                                          "and start it again");
    if (holder.file() == nullptr)
        return listener_error(wanted,
                              "was shut down by a worker, and an abstract name is free only when "
                              "nobody has the old socket any more: stop the instance and start it "
                              "again");
    holder.file()->remove();
    return Success{};
}

Result<SocketAccess> access_of(const config::Listen& settings) {
    const auto access = resolve_access(settings.access);
    if (access) return *access;
    const AccessProblem& problem = access.error();
    return listener_error(settings, "cannot have this " + std::string(problem.key) + ": " + problem.message);
}

Status named(const Status& status, const std::string& listener) {
    return status ? status : Status(Error{"listener " + listener + ": " + status.error().message});
}

// Until it is known who accepts. Before others join, so that they get nobody.
Status steer_to_first(const config::Listen& settings, const Sockets& sockets) {
    const Status steered = steer_clients(sockets.front()->fd(), 1, {true});
    return steered ? steered : Status(listener_error(settings, steered.error().message));
}

// Clients are steered by the places of the sockets, and who has come between shifts those that come after.
// Asked after they were added, beside `before` others, so that nobody can come between unseen.
Status check_nobody_joined(const config::Listen& settings, const Sockets& sockets, std::size_t before) {
    if (sockets.size() <= before) return Success{};
    std::vector<int> own;
    for (const auto& socket : sockets) own.push_back(socket->fd());
    const auto others = find_sockets_beside(own);
    if (others.empty()) return Success{};
    return listener_error(settings, "is shared by " + describe(find_owners_of(others)) +
                                        ", which has joined it with SO_REUSEPORT or was left behind by an "
                                        "old worker, so no sockets can be added for more slots: end that, or "
                                        "keep the number of slots");
}

// The first ones of `sockets`, and new ones where they are too few.
Result<Sockets> complete(const config::Listen& settings, Sockets sockets, std::size_t slots) {
    const std::size_t wanted = settings.reuseport ? slots : 1;
    if (sockets.size() > wanted) sockets.resize(wanted);
    while (sockets.size() < wanted) {
        auto another = ListeningSocket::bind_beside(settings, *sockets.front());
        if (!another) return another.error();
        sockets.push_back(std::move(*another));
    }
    return sockets;
}

// The same of sockets that serve already. What was steered before sends nothing to those that are added. A
// socket that was alone until now becomes part of a group only with the second one, and can be steered then.
Result<Sockets> complete_held(const config::Listen& settings, Sockets held, std::size_t slots) {
    if (!settings.reuseport || held.size() >= slots) return complete(settings, std::move(held), slots);
    if (held.size() > 1 || steer_to_first(settings, held)) return complete(settings, std::move(held), slots);
    auto pair = complete(settings, std::move(held), 2);
    if (!pair) return pair.error();
    if (Status steered = steer_to_first(settings, *pair); !steered) return steered.error();
    return complete(settings, std::move(*pair), slots);
}

}  // namespace

Listener::Listener(const config::Listen& settings, const SocketAccess& access, Sockets sockets)
    : settings_(settings),
      access_(access),
      sockets_(std::move(sockets)),
      address_(config::to_string(sockets_.front()->bound())) {}

Result<std::shared_ptr<const Listener>> Listener::bind(const config::Listen& settings, std::size_t slots,
                                                       const Sockets& held) {
    const auto access = access_of(settings);
    if (!access) return access.error();
    const bool beside = settings.address.inet() != nullptr && !held.empty();
    auto socket =
        beside ? ListeningSocket::bind_beside_held(settings, held) : ListeningSocket::bind(settings, *access);
    if (!socket) return socket.error();
    Sockets first{std::move(*socket)};
    if (settings.reuseport) {
        if (Status steered = steer_to_first(settings, first); !steered) return steered.error();
    }
    auto sockets = complete(settings, std::move(first), slots);
    if (!sockets) return sockets.error();
    Sockets own = *sockets;
    own.insert(own.end(), held.begin(), held.end());
    if (sockets->size() > 1) {
        if (Status alone = check_nobody_joined(settings, own, 1); !alone) return alone.error();
    }
    return std::make_shared<const Listener>(settings, *access, std::move(*sockets));
}

bool Listener::serves(const std::shared_ptr<const ListeningSocket>& socket, std::size_t slots) const {
    const auto end = sockets_.begin() + static_cast<std::ptrdiff_t>(std::min(slots, sockets_.size()));
    return std::find(sockets_.begin(), end, socket) != end;
}

std::string Listener::kind() const {
    return std::string(config::kind_of(settings_.address));
}

Status Listener::apply() const {
    for (const auto& socket : sockets_) {
        if (Status applied = socket->apply(settings_, access_); !applied) return named(applied, name());
    }
    return check_reachable();
}

Status Listener::restore(const Listeners& active) const {
    for (const auto& socket : sockets_) {
        const auto theirs =
            std::ranges::find_if(active, [&](const auto& one) { return contains(one->sockets(), socket); });
        const config::Listen& settings = theirs == active.end() ? settings_ : (*theirs)->settings();
        if (Status restored = socket->restore(settings); !restored) return named(restored, name());
    }
    return check_reachable();
}

const ListeningSocket* Listener::dead_socket() const {
    const auto dead = std::ranges::find_if(
        sockets_, [](const auto& socket) { return !socket->can_listen_again() && socket->shut_down(); });
    return dead == sockets_.end() ? nullptr : dead->get();
}

std::optional<SocketQueue> Listener::queue() const {
    SocketQueue all{0, 0};
    for (const auto& socket : sockets_) {
        const auto one = socket->queue();
        if (!one) return std::nullopt;
        all.length += one->length;
        all.limit += one->limit;
    }
    return all;
}

Status Listener::check_reachable() const {
    if (std::ranges::all_of(sockets_, [](const auto& socket) { return socket->reachable(); }))
        return Success{};
    return Error{"listener " + name() + ": somebody has removed or replaced " + *settings_.address.path() +
                 ", so new clients cannot find it; the next `sup reload` binds it again"};
}

Result<Listeners> acquire_listeners(const std::vector<config::Listen>& wanted, const Listeners& held,
                                    std::size_t slots) {
    Listeners listeners;
    Sockets taken;
    for (const config::Listen& settings : wanted) {
        Sockets found = find_held(settings, held, taken);
        if (found.empty()) {
            const Sockets overlapping = find_overlapping(settings, held);
            if (Status room = make_room(settings, overlapping, held); !room) return room.error();
            auto bound = Listener::bind(settings, slots, overlapping);
            if (!bound) return bound.error();
            listeners.push_back(std::move(*bound));
            continue;
        }
        const auto access = access_of(settings);
        if (!access) return access.error();
        const std::size_t before = found.size();
        auto sockets = complete_held(settings, std::move(found), slots);
        if (!sockets) return sockets.error();
        if (Status alone = check_nobody_joined(settings, *sockets, before); !alone) return alone.error();
        taken.insert(taken.end(), sockets->begin(), sockets->end());
        listeners.push_back(std::make_shared<const Listener>(settings, *access, std::move(*sockets)));
    }
    return listeners;
}

}  // namespace sup
