#include "worker/lifecycle/handover.h"

#include <algorithm>
#include <utility>

#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

void tell_unwatched(const Status& watched) {
    if (!watched) log_line("the inbox cannot be watched: " + watched.error().message);
}

}  // namespace

Handover::Handover(uv_loop_t* loop, Balance& balance, Callbacks callbacks)
    : loop_(loop), balance_(balance), callbacks_(std::move(callbacks)) {}

// Also when the first one was closed and there is another.
void Handover::use(InboxEnds ends) {
    if (draining_) return;
    if (!is_inbox_end(ends.receiver.get()) || !is_inbox_end(ends.sender.get()))
        return log_line("the master sent something that is not an inbox; it is ignored");
    peers_inbox_ = std::move(ends.sender);
    inbox_ = std::make_unique<Inbox>(
        loop_, std::move(ends.receiver), balance_,
        Inbox::Callbacks{callbacks_.arrived, callbacks_.malformed, callbacks_.no_descriptor});
    const Status started = inbox_->start();
    tell_unwatched(started);
    if (!started) inbox_.reset();
}

// Also while draining, when the successor was replaced by a later one or is gone.
void Handover::use(DrainPacket packet) {
    successor_.reset();
    if (packet.inbox && is_inbox_end(packet.inbox.get())) {
        successor_ = std::make_unique<Successor>(
            loop_, std::move(packet.inbox), packet.listeners,
            Successor::Callbacks{callbacks_.changed, [this] { look_for_another_successor(); }});
    }
    std::vector<std::string> retired_first = told_ ? std::move(told_->retired) : std::vector<std::string>{};
    told_ = std::move(packet);
    if (told_->retired.empty()) told_->retired = std::move(retired_first);
    if (draining_) callbacks_.replaced();
}

void Handover::leave_inbox() {
    if (inbox_) tell_unwatched(inbox_->drain());
}

void Handover::give_up() {
    successor_.reset();
    inbox_.reset();
}

bool Handover::emptied() {
    return !inbox_ || leaves_inbox_to_peers() || inbox_->empty_now();
}

void Handover::stop() {
    if (inbox_) inbox_->stop();
}

void Handover::connection_closed() {
    if (inbox_) inbox_->connection_closed();
}

std::optional<bool> Handover::retired(const std::string& listener) const {
    if (!told_) return std::nullopt;
    return std::find(told_->retired.begin(), told_->retired.end(), listener) != told_->retired.end();
}

std::optional<bool> Handover::succeeded() const {
    if (!told_) return std::nullopt;
    return !told_->listeners.empty();
}

bool Handover::moves_on(const std::string& listener, const Spoken& spoken) const {
    return draining_ && successor_ && successor_->takes(listener) && !is_unreadable(spoken);
}

bool Handover::is_unreadable(const Spoken& spoken) const {
    return told_ && told_->reads && !goes_on_from(told_->reads, spoken.protocol, spoken.writes);
}

// A worker that does not mention versions knows no state either, and would take it for unread bytes.
HandOver Handover::hand_over(const InboxPacket& packet, int socket) {
    if (!draining_ || !successor_) return HandOver::impossible;
    if (!goes_on_from(told_->reads, packet.protocol, packet.version)) return HandOver::impossible;
    if (!told_->reads && !packet.state.empty()) return HandOver::impossible;
    return successor_->hand_over(packet, socket);
}

bool Handover::put_back(const InboxPacket& packet, int socket) {
    if (!has_peers()) return false;
    const auto sent = send_to_inbox(peers_inbox_.get(), packet, socket);
    return sent && *sent == SendOutcome::sent;
}

// The peers stay, and take what is in it: a worker that drains may have been told to put its own in, too. It
// is closed when they go as well, but by nobody when the master has died: who then drains without having been
// told of a successor may be the last.
bool Handover::leaves_inbox_to_peers() const {
    return !inbox_->closed() && (successor_ || callbacks_.master_lives());
}

// A generation's inbox is closed when it leaves, and before that those who hand over to it are told what
// comes instead. So the channel knows. It is looked into from the loop, because a connection is in the middle
// of being handed over.
void Handover::look_for_another_successor() {
    look_again_ = uv::Timer(loop_, [this] {
        callbacks_.ask();
        if (!successor_ || !successor_->gone()) return;
        log_line("the next generation's inbox is closed; connections are drained here");
        successor_.reset();
        callbacks_.changed();
    });
    look_again_.arm(Duration{0});
}

}  // namespace sup::worker
