// The sockets that everybody shares: their health, and who gets the clients after a promotion.
#include <algorithm>

#include "master/instance/instance.h"

namespace sup {
namespace {

bool has(const Listener& listener, const std::shared_ptr<const ListeningSocket>& socket) {
    return std::ranges::find(listener.sockets(), socket) != listener.sockets().end();
}

// Whether clients that belong to `kept` would come to what nobody will serve any more.
bool is_in_the_way(const ListeningSocket& replaced, const ListeningSocket& kept) {
    const bool same_address = replaced.bound() == kept.bound();
    return replaced.takes_clients_of(kept) && (!same_address || replaced.shut_down());
}

}  // namespace

void Instance::watch_listeners() {
    auto watch =
        ListenerWatch::create(loop_.get(), [this](const auto& socket) { listener_shut_down(socket); });
    if (!watch) return warn(Error{"listeners are not watched: " + watch.error().message});
    listener_watch_ = std::move(*watch);
}

// Those of the generations that serve or will; of a stop, none.
Listeners Instance::wanted_listeners() const {
    Listeners wanted;
    for (const core::ServingGeneration& one : serving_) {
        const bool leaves =
            one.state == core::GenerationState::draining || one.state == core::GenerationState::aborting;
        const Generation* generation = leaves ? nullptr : find_generation(one.generation);
        if (generation == nullptr) continue;
        wanted.insert(wanted.end(), generation->listeners.begin(), generation->listeners.end());
    }
    return wanted;
}

Listeners Instance::active_listeners() const {
    const auto active =
        std::ranges::find(serving_, core::GenerationState::active, &core::ServingGeneration::state);
    const Generation* serving = active == serving_.end() ? nullptr : find_generation(active->generation);
    return serving == nullptr ? Listeners{} : serving->listeners;
}

ListenerSteering::ByGeneration Instance::listeners_by_generation() const {
    ListenerSteering::ByGeneration listeners;
    for (const auto& [id, generation] : generations_) listeners.emplace(id, generation->listeners);
    return listeners;
}

void Instance::listener_shut_down(const std::shared_ptr<const ListeningSocket>& socket) {
    const Listeners wanted = wanted_listeners();
    const auto listener = std::ranges::find_if(wanted, [&](const auto& one) { return has(*one, socket); });
    if (listener == wanted.end()) return;  // nobody needs it any more
    const std::string who = "listener " + (*listener)->name() + " (" + (*listener)->address() +
                            "): a worker has shut it down (shutdown(2))";
    if (!socket->can_listen_again()) {
        log_.error("{}, and that cannot be undone; `sup reload` binds it again", who);
        return;
    }
    if (!socket->shut_down()) return;  // mended in the meantime
    if (Status again = socket->restore((*listener)->settings()); !again) {
        log_.error("{}, and sup could not make it listen again: {}", who, again.error().message);
        return;
    }
    steering_.rejoined(socket, listeners_by_generation());
    steer_listeners();
    // A worker may do it in a loop.
    mended_.add(who + ", which reset the connections that waited in its queue; it listens again");
    if (listener_watch_) listener_watch_->watch_again(*socket);
}

// What the loop would be told of soon.
void Instance::mend_listeners() {
    for (const auto& listener : wanted_listeners()) {
        for (const auto& socket : listener->sockets()) {
            if (socket->can_listen_again() && socket->shut_down()) listener_shut_down(socket);
        }
    }
}

// A generation that moved to another address of the same port (from 127.0.0.1:80 to *:80): its clients must
// not come to the old one's socket, which nobody serves once its workers have drained.
void Instance::hide_replaced_sockets(const Listeners& kept) {
    for (const auto& listener : held_listeners()) {
        for (const auto& socket : listener->sockets()) {
            if (socket->hidden() ||
                std::ranges::any_of(kept, [&](const auto& one) { return has(*one, socket); }))
                continue;
            const bool in_the_way = std::ranges::any_of(
                kept, [&](const auto& one) { return is_in_the_way(*socket, *one->socket()); });
            if (!in_the_way) continue;
            const Status hidden = socket->hide();
            if (!hidden)
                log_.warning(
                    "listener {}: clients may still come to {} until the old generation has left: {}",
                    listener->name(), listener->address(), hidden.error().message);
        }
    }
}

std::string Instance::problem_of(const Listener& listener) const {
    if (listener.dead_socket() != nullptr)
        return listener.name() +
               " was shut down by a worker: no client is served there until `sup reload` binds "
               "it again";
    return queues_.problem_of(listener);
}

}  // namespace sup
