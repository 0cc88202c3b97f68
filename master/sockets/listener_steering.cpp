#include "master/sockets/listener_steering.h"

#include <algorithm>
#include <optional>
#include <string>

#include "master/sockets/reuseport_group.h"

namespace sup {
namespace {

// The sockets at one address: each generation has the first ones. A socket that was shared over slots once is
// in a group for ever: the kernel lets others of this user join it even when the option is taken back (it
// remembers the port as shareable), so clients are still steered past them.
struct Group {
    std::string name;
    bool shared = false;  // with `reuseport` in a generation that lives
    std::map<core::GenerationId, std::uint32_t> sockets;
};
using Groups = std::map<std::shared_ptr<const ListeningSocket>, Group>;

Groups groups_of(const ListenerSteering::ByGeneration& listeners_of) {
    Groups groups;
    for (const auto& [id, listeners] : listeners_of) {
        for (const auto& listener : listeners) {
            if (listener->socket()->bound().inet() == nullptr) continue;
            Group& group = groups[listener->socket()];
            group.name = listener->name();
            group.shared = group.shared || listener->settings().reuseport;
            group.sockets.emplace(id, static_cast<std::uint32_t>(listener->sockets().size()));
        }
    }
    return groups;
}

}  // namespace

std::vector<Error> ListenerSteering::follow(const core::Serving& serving, const ByGeneration& listeners_of) {
    std::vector<Error> problems;
    const auto note = [&problems](const std::string& name, const Status& done) {
        if (!done) problems.push_back({"listener " + name + ": " + done.error().message});
    };
    decltype(steered_) steered;
    for (const auto& [socket, group] : groups_of(listeners_of)) {
        if (!group.shared && !socket->has_reuseport()) continue;
        const auto before = steered_.find(socket);
        const std::optional<core::Steering> wanted = core::steer(serving, group.sockets);
        if (wanted && (before == steered_.end() || before->second != *wanted)) {
            const Status done =
                steer_clients(socket->fd(), wanted->homes, by_place(socket, wanted->accepting));
            // One that was bound without the option is in no group as long as it is alone.
            const bool alone =
                std::ranges::all_of(group.sockets, [](const auto& has) { return has.second == 1; });
            if (!alone) note(group.name, done);
        }
        if (wanted) {
            steered.emplace(socket, *wanted);
        } else if (before != steered_.end()) {
            steered.insert(*before);
        }
    }
    steered_ = std::move(steered);
    return problems;
}

std::vector<bool> ListenerSteering::by_place(const std::shared_ptr<const ListeningSocket>& first,
                                             const std::vector<bool>& accepting) const {
    const auto moved = places_.find(first);
    if (moved == places_.end()) return accepting;
    std::vector<bool> placed = accepting;
    for (std::size_t place = 0; place < moved->second.size() && place < placed.size(); ++place) {
        const std::size_t joined = moved->second[place];
        placed[place] = joined < accepting.size() && accepting[joined];
    }
    return placed;
}

void ListenerSteering::rejoined(const std::shared_ptr<const ListeningSocket>& socket,
                                const ByGeneration& listeners_of) {
    std::erase_if(places_, [](const auto& entry) { return entry.first.expired(); });
    Sockets group;
    for (const auto& [id, listeners] : listeners_of) {
        for (const auto& listener : listeners) {
            const Sockets& sockets = listener->sockets();
            const bool has = std::ranges::find(sockets, socket) != sockets.end();
            if (has && sockets.size() > group.size()) group = sockets;
        }
    }
    if (group.empty()) return;
    steered_.erase(group.front());  // with its group the program may be gone
    std::vector<std::size_t>& places = places_[group.front()];
    while (places.size() < group.size()) places.push_back(places.size());
    const auto number = static_cast<std::size_t>(std::ranges::find(group, socket) - group.begin());
    *std::ranges::find(places, number) = places.back();
    places.back() = number;
}

}  // namespace sup
