// Connections that come from other workers and go to them.
#include <fcntl.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/safe_text.h"
#include "worker/lifecycle/core.h"
#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

// A listener's name, whatever generation it is of, is remembered. They are few; more would be nonsense.
constexpr std::size_t most_names = 1024;
constexpr std::size_t most_put_back = 64;

template <typename T>
bool contains(const std::vector<T>& all, const T& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

bool can_go_on(const std::optional<std::vector<Reads>>& successor, const std::string& protocol,
               unsigned version) {
    if (!successor) return version == 1;
    return std::any_of(successor->begin(), successor->end(), [&](const Reads& reads) {
        return reads.protocol == protocol && contains(reads.versions, version);
    });
}

}  // namespace

void Core::use(ScoreboardPacket packet) {
    const Status moved = counters_.move_to(std::move(packet.memory), packet.slot);
    if (!moved) log_line(moved.error().message);
}

// Also when the first one was closed and there is another. A worker that drains takes from none that it did
// not have before.
void Core::use(InboxEnds ends) {
    if (draining_) return;
    if (!is_inbox_end(ends.receiver.get()) || !is_inbox_end(ends.sender.get()))
        return log_line("the master sent an inbox that is none; it is not used");
    peers_inbox_ = std::move(ends.sender);
    inbox_ = std::make_unique<Inbox>(
        loop_.get(), std::move(ends.receiver), balance_,
        Inbox::Callbacks{
            [this](const InboxPacket& packet, UniqueFd socket) { arrived(packet, std::move(socket)); },
            [this](UniqueFd socket) { refuse(std::move(socket)); }});
    const Status started = inbox_->start();
    if (started) return;
    log_line("the inbox cannot be watched: " + started.error().message);
    inbox_.reset();
}

// Also while draining, when the successor was replaced by a later one or is gone.
void Core::use(DrainPacket packet) {
    successor_.reset();
    if (packet.inbox && is_inbox_end(packet.inbox.get())) {
        successor_ = std::make_unique<Successor>(
            loop_.get(), std::move(packet.inbox), packet.listeners,
            Successor::Callbacks{[this] { hand_over_all(); }, [this] { look_for_another_successor(); }});
    }
    std::vector<std::string> retired_first = told_ ? std::move(told_->retired) : std::vector<std::string>{};
    told_ = std::move(packet);
    if (told_->retired.empty()) told_->retired = std::move(retired_first);
    if (!draining_) return;
    clock_->give_grace();
    hand_over_all();
}

// The peers stay, and take what is in it: a worker that drains may have been told to put its own in, too. It
// is closed when they go as well, but by nobody when the master has died: who then drains without having been
// told of a successor may be the last.
bool Core::leaves_inbox_to_peers() const {
    return !inbox_->closed() && (successor_ || (channel_ && !channel_->closed()));
}

// A generation's inbox is closed when it leaves, and before that those who hand over to it are told what
// comes instead. So the channel knows. It is looked into from the loop, because a connection is in the middle
// of being handed over.
void Core::look_for_another_successor() {
    look_again_ = uv::Timer(loop_.get(), [this] {
        if (channel_) channel_->read();
        if (!successor_ || !successor_->gone()) return;
        log_line("the next generation's inbox is closed; connections are drained here");
        successor_.reset();
        hand_over_all();
    });
    look_again_.arm(Duration{0});
}

void Core::arrived(const InboxPacket& packet, UniqueFd socket) {
    counters_.add(&ScoreboardRow::taken);
    rebalance_.taken();
    // This worker goes itself: on to the successor as it is.
    if (draining_ && hand_over(packet, socket.get()) == HandOver::done) {
        counters_.add(&ScoreboardRow::handed_over);
        return;
    }
    Service* service = service_for(packet);
    if (service == nullptr || names_.size() >= most_names) {
        log_line("inbox: a connection of listener \"" + safe_text(packet.listener) + "\" that speaks \"" +
                 safe_text(packet.protocol) + "\" (version " + std::to_string(packet.version) +
                 "), which nobody here serves; it is closed");
        return refuse(std::move(socket));
    }
    // A worker in another language may have sent it blocking.
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK);
    service->take(std::move(socket), {.listener = *names_.insert(packet.listener).first,
                                      .from = From::inbox,
                                      .unread = packet.unconsumed,
                                      .state = packet.state,
                                      .version = packet.version});
}

Service* Core::service_for(const InboxPacket& packet) const {
    const auto goes_on = [&packet](const Service& service) {
        return service.spoken().protocol == packet.protocol &&
               contains(service.spoken().reads, packet.version);
    };
    for (const Served& served : served_) {
        if (served.acceptor->name() == packet.listener && goes_on(*served.service)) return served.service;
    }
    for (const Registered& one : services_) {
        if (one.listeners.names().empty() && goes_on(*one.service)) return one.service;
    }
    return nullptr;
}

void Core::refuse(UniqueFd socket) {
    if (draining_) counters_.add(&ScoreboardRow::drained);
    lingering_.add(std::move(socket));
}

bool Core::moves_on(const std::string& listener, const Spoken& spoken) const {
    return draining_ && successor_ && successor_->takes(listener) && successor_reads(spoken);
}

bool Core::successor_reads(const Spoken& spoken) const {
    return told_ && can_go_on(told_->reads, spoken.protocol, spoken.writes);
}

// Who does not speak of versions knows of no state either, and would take it for unread bytes.
HandOver Core::hand_over(const InboxPacket& packet, int socket) {
    if (!draining_ || !successor_) return HandOver::impossible;
    if (!can_go_on(told_->reads, packet.protocol, packet.version)) return HandOver::impossible;
    if (!told_->reads && !packet.state.empty()) return HandOver::impossible;
    return successor_->hand_over(packet, socket);
}

void Core::hand_over_all() {
    for (const Registered& one : services_) one.service->hand_over();
    check_finished();
}

bool Core::put_back(const InboxPacket& packet, int socket) {
    if (draining_ || !peers_inbox_) return false;
    const auto sent = send_to_inbox(peers_inbox_.get(), packet, socket);
    return sent && *sent == SendOutcome::sent;
}

bool Core::move_excess() {
    if (draining_ || !peers_inbox_) return false;
    const std::size_t excess = std::min(balance_.excess(), most_put_back);
    std::size_t left = excess;
    for (const Registered& one : services_) left -= std::min(left, one.service->put_back(left));
    return left < excess;
}

}  // namespace sup::worker
