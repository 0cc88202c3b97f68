// Connections that come from other workers, and those that this one has too many of.
#include <fcntl.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/safe_text.h"
#include "worker/lifecycle/core.h"
#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

constexpr std::size_t most_put_back = 64;

}  // namespace

void Core::use(ScoreboardPacket packet) {
    const Status moved = counters_.move_to(std::move(packet.memory), packet.slot);
    if (!moved) log_line(moved.error().message);
}

void Core::arrived(const InboxPacket& packet, UniqueFd socket) {
    counters_.add(&ScoreboardRow::taken);
    rebalance_.taken();
    room_.inbox_goes_on();
    // This worker goes itself: on to the successor as it is.
    if (draining() && hand_over(packet, socket.get()) == HandOver::done) {
        counters_.add(&ScoreboardRow::handed_over);
        return;
    }
    Service* service = services_.taker_of(packet);
    const std::string* listener = service == nullptr ? nullptr : services_.remember(packet.listener);
    if (listener == nullptr) {
        log_line("inbox: a connection of listener \"" + safe_text(packet.listener) + "\" speaking \"" +
                 safe_text(packet.protocol) + "\" (version " + std::to_string(packet.version) +
                 "), which this worker does not serve; it is closed");
        return refuse(std::move(socket));
    }
    // A worker in another language may have sent it blocking.
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK);
    service->take(std::move(socket), {.listener = *listener,
                                      .from = From::inbox,
                                      .unread = packet.unconsumed,
                                      .state = packet.state,
                                      .version = packet.version});
}

void Core::refuse(UniqueFd socket) {
    if (draining()) counters_.add(&ScoreboardRow::drained);
    lingering_.add(std::move(socket));
}

bool Core::move_excess() {
    if (!handover_.has_peers()) return false;
    const std::size_t excess = std::min(balance_.excess(), most_put_back);
    std::size_t left = excess;
    services_.each([&left](Service& service) { left -= std::min(left, service.put_back(left)); });
    return left < excess;
}

}  // namespace sup::worker
