#include "worker/http/exchange.h"

#include <utility>

#include "worker/http/context.h"
#include "worker/http/protocol.h"

namespace sup::http {

void Exchange::begin(Protocol& owner, const ParserLimits& limits) {
    protocol = &owner;
    references = 1;
    reading = Reading::head;
    parser.reset(limits);
    body_limit.reset();
    body_received = 0;
    flow = Flow::runs;
    file_flow = Flow::runs;
    go_ahead = GoAhead::not_awaited;
    answering = Answering::nothing;
    framing = Framing::none;
    length_left = 0;
    after = After::keep;
    peer.reset();
    status = 0;
    written = 0;
    room = Room::changed;
    forget_headers();
}

const Peer& Exchange::ask_peer() {
    if (!peer) peer = protocol != nullptr ? protocol->peer() : Peer{};
    return *peer;
}

std::shared_ptr<std::atomic<bool>> Exchange::share_gone() {
    if (nobody_waits == nullptr) nobody_waits = std::make_shared<std::atomic<bool>>(false);
    return nobody_waits;
}

std::shared_ptr<const std::atomic<Saving>> Exchange::share_saving() {
    if (saving == nullptr) saving = std::make_shared<std::atomic<Saving>>(Saving::goes_on);
    return saving;
}

void Exchange::forget_headers() {
    headers.clear();
    takeover = nullptr;
    typed = false;
}

std::unique_ptr<Exchange> Context::take_exchange() {
    if (exchanges_.empty()) return std::make_unique<Exchange>(home);
    std::unique_ptr<Exchange> exchange = std::move(exchanges_.back());
    exchanges_.pop_back();
    return exchange;
}

void Context::give_back(std::unique_ptr<Exchange> exchange) {
    exchange->head.let_go();
    if (exchanges_.size() < most_kept) exchanges_.push_back(std::move(exchange));
}

}  // namespace sup::http
