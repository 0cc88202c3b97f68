#include "worker/lifecycle/services.h"

#include <algorithm>
#include <utility>

namespace sup::worker {
namespace {

// A listener's name, whatever generation it is of, is remembered. They are few; more would be nonsense.
constexpr std::size_t most_names = 1024;

bool goes_on(const Service& service, const InboxPacket& packet) {
    const Spoken& spoken = service.spoken();
    return spoken.protocol == packet.protocol &&
           std::find(spoken.reads.begin(), spoken.reads.end(), packet.version) != spoken.reads.end();
}

}  // namespace

void Services::add(Service& service, const ListenerChoice& listeners) {
    all_.push_back({&service, listeners});
}

void Services::serve(Service& service, std::unique_ptr<Acceptor> acceptor) {
    served_.push_back({&service, std::move(acceptor)});
}

void Services::remove(Service& service) {
    std::erase_if(all_, [&service](const Registered& one) { return one.service == &service; });
    for (Served& one : served_) {
        if (one.service != &service) continue;
        one.acceptor->leave();
        one.service = nullptr;
    }
}

bool Services::has(const Service& service) const {
    return std::any_of(all_.begin(), all_.end(),
                       [&service](const Registered& one) { return one.service == &service; });
}

bool Services::lacks_listeners() const {
    const bool serves =
        std::any_of(served_.begin(), served_.end(), [](const Served& one) { return one.service != nullptr; });
    return !serves && std::any_of(all_.begin(), all_.end(), [](const Registered& one) {
        return one.listeners.is_all() || !one.listeners.names().empty();
    });
}

std::size_t Services::open_connections() const {
    std::size_t open = 0;
    for (const Registered& one : all_) open += one.service->open_connections();
    return open;
}

std::size_t Services::living_connections() const {
    std::size_t living = 0;
    for (const Registered& one : all_)
        living += one.service->open_connections() - one.service->ended_connections();
    return living;
}

bool Services::accepting() const {
    return std::any_of(served_.begin(), served_.end(),
                       [](const Served& one) { return !one.acceptor->closed(); });
}

std::vector<Reads> Services::reads() const {
    std::vector<Reads> all;
    for (const Registered& one : all_) {
        const Spoken& spoken = one.service->spoken();
        all.push_back({spoken.protocol, spoken.reads});
    }
    return all;
}

Service* Services::taker_of(const InboxPacket& packet) const {
    for (const Served& one : served_) {
        if (one.service != nullptr && one.acceptor->name() == packet.listener &&
            goes_on(*one.service, packet))
            return one.service;
    }
    for (const Registered& one : all_) {
        if (one.listeners.names().empty() && goes_on(*one.service, packet)) return one.service;
    }
    return nullptr;
}

const std::string* Services::remember(const std::string& listener) {
    if (names_.size() >= most_names && !names_.contains(listener)) return nullptr;
    return &*names_.insert(listener).first;
}

void Services::make_room(std::size_t count) const {
    std::vector<Registered> busiest_first = all_;
    std::stable_sort(busiest_first.begin(), busiest_first.end(),
                     [](const Registered& one, const Registered& other) {
                         return one.service->open_connections() > other.service->open_connections();
                     });
    for (const Registered& one : busiest_first) {
        if (count == 0) return;
        if (has(*one.service)) count -= std::min(count, one.service->make_room(count));
    }
}

}  // namespace sup::worker
