#include "master/sockets/shared_sockets.h"

#include <algorithm>
#include <utility>

namespace sup {
namespace {

using config::LogLevel;

bool has_socket(const Listener& listener, const std::shared_ptr<const ListeningSocket>& socket) {
    return std::ranges::find(listener.sockets(), socket) != listener.sockets().end();
}

// Whether clients that belong to `kept` would come to what nobody will serve any more.
bool is_in_the_way(const ListeningSocket& replaced, const ListeningSocket& kept) {
    const bool same_address = replaced.bound() == kept.bound();
    return replaced.takes_clients_of(kept) && (!same_address || replaced.shut_down());
}

}  // namespace

SharedSockets::SharedSockets(uv_loop_t* loop, Callbacks callbacks)
    : callbacks_(std::move(callbacks)),
      queues_(
          loop, [this] { return active(); },
          [this](const Listener& listener, const std::string& problem) {
              if (problem.empty())
                  return callbacks_.say(LogLevel::info, "listener " + listener.name() +
                                                            ": connections are being accepted again");
              callbacks_.say(
                  LogLevel::warning,
                  problem + "; do the workers of the active generation serve the socket they were given?");
          }) {
    auto watch = ListenerWatch::create(loop, [this](const auto& socket) { listen_again(socket); });
    if (watch)
        watch_ = std::move(*watch);
    else
        warn(Error{"listeners are not watched: " + watch.error().message});
}

void SharedSockets::watch(const Listeners& listeners) {
    if (watch_) watch_->follow(listeners);
}

void SharedSockets::steer(const core::Serving& serving) {
    serving_ = serving;
    follow_steering();
}

void SharedSockets::released() {
    follow_steering();
    queues_.look_later();
}

void SharedSockets::follow_steering() {
    for (const Error& problem : steering_.follow(serving_, callbacks_.listeners())) warn(problem);
}

Listeners SharedSockets::held() const {
    Listeners held;
    for (const auto& [generation, listeners] : callbacks_.listeners())
        held.insert(held.begin(), listeners.begin(), listeners.end());
    return held;
}

// Those of the generations that serve or will; of a stop, none.
Listeners SharedSockets::wanted() const {
    Listeners wanted;
    auto listeners = callbacks_.listeners();
    for (const core::ServingGeneration& one : serving_) {
        const bool leaves =
            one.state == core::GenerationState::draining || one.state == core::GenerationState::aborting;
        if (leaves) continue;
        const Listeners& its_own = listeners[one.generation];
        wanted.insert(wanted.end(), its_own.begin(), its_own.end());
    }
    return wanted;
}

Listeners SharedSockets::active() const {
    const auto active =
        std::ranges::find(serving_, core::GenerationState::active, &core::ServingGeneration::state);
    if (active == serving_.end()) return {};
    return callbacks_.listeners()[active->generation];
}

void SharedSockets::listen_again(const std::shared_ptr<const ListeningSocket>& socket) {
    const Listeners wanted = this->wanted();
    const auto listener =
        std::ranges::find_if(wanted, [&](const auto& one) { return has_socket(*one, socket); });
    if (listener == wanted.end()) return;  // nobody needs it any more
    const std::string who = "listener " + (*listener)->name() + " (" + (*listener)->address() +
                            "): a worker has shut it down (shutdown(2))";
    if (!socket->can_listen_again()) {
        return callbacks_.say(LogLevel::error,
                              who + ", and that cannot be undone; `sup reload` binds it again");
    }
    if (!socket->shut_down()) return;  // mended in the meantime
    if (Status again = socket->restore((*listener)->settings()); !again) {
        return callbacks_.say(LogLevel::error,
                              who + ", and sup could not make it listen again: " + again.error().message);
    }
    steering_.rejoined(socket, callbacks_.listeners());
    follow_steering();
    callbacks_.say_again(who + ", which reset the connections that waited in its queue; it listens again");
    if (watch_) watch_->watch_again(*socket);
}

void SharedSockets::mend() {
    for (const auto& listener : wanted()) {
        for (const auto& socket : listener->sockets()) {
            if (socket->can_listen_again() && socket->shut_down()) listen_again(socket);
        }
    }
}

void SharedSockets::promote(const Listeners& active) {
    for (const auto& listener : active) warn(listener->apply());
    hide_what_is_in_the_way_of(active);
}

// A generation that moved to another address of the same port (from 127.0.0.1:80 to *:80): its clients must
// not come to the old one's socket, which nobody serves once its workers have drained.
void SharedSockets::hide_what_is_in_the_way_of(const Listeners& kept) {
    for (const auto& listener : held()) {
        for (const auto& socket : listener->sockets()) {
            if (socket->hidden() ||
                std::ranges::any_of(kept, [&](const auto& one) { return has_socket(*one, socket); }))
                continue;
            const bool in_the_way = std::ranges::any_of(
                kept, [&](const auto& one) { return is_in_the_way(*socket, *one->socket()); });
            if (!in_the_way) continue;
            const Status hidden = socket->hide();
            if (!hidden)
                callbacks_.say(LogLevel::warning,
                               "listener " + listener->name() + ": clients may still come to " +
                                   listener->address() +
                                   " until the old generation has left: " + hidden.error().message);
        }
    }
}

void SharedSockets::restore(const Listeners& listeners, const Listeners& active) {
    mend();
    for (const auto& listener : listeners) warn(listener->restore(active));
}

void SharedSockets::note_nonblock(bool keep) {
    std::map<FileId, bool> before;
    for (const auto& listener : held()) {
        for (const auto& socket : listener->sockets()) {
            const auto file = file_id(socket->fd());
            if (!file) continue;
            const auto known = keep ? nonblock_before_.find(*file) : nonblock_before_.end();
            before.emplace(*file, known != nonblock_before_.end() ? known->second : socket->nonblock_now());
        }
    }
    nonblock_before_ = std::move(before);
}

void SharedSockets::restore_nonblock(const Listeners& listeners) {
    for (const auto& listener : listeners) {
        for (const auto& socket : listener->sockets()) {
            const auto file = file_id(socket->fd());
            const auto before = file ? nonblock_before_.find(*file) : nonblock_before_.end();
            if (before != nonblock_before_.end()) warn(socket->set_nonblock(before->second));
        }
    }
}

void SharedSockets::look() {
    queues_.look();
}

std::string SharedSockets::problem_of(const Listener& listener) const {
    if (listener.dead_socket() != nullptr)
        return listener.name() +
               " was shut down by a worker: no client is served there until `sup reload` binds "
               "it again";
    return queues_.problem_of(listener);
}

void SharedSockets::stop() {
    watch_.reset();
    queues_.stop();
}

void SharedSockets::warn(const Status& status) const {
    if (!status) callbacks_.say(LogLevel::warning, status.error().message);
}

}  // namespace sup
