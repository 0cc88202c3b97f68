#include "config/cross_rules.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/display.h"
#include "config/only_for.h"

namespace sup::config {
namespace {

std::string pointer_to(std::size_t listener) {
    return "/listen/" + std::to_string(listener);
}

// Where a problem with this member is shown: at the member, or at the object when the default is meant.
void report(const Node& object, const std::string& pointer, std::string_view member,
            const std::string& message, Collector& problems) {
    const Node* given = object.find(member);
    problems.add(given != nullptr ? given->begin : object.begin,
                 given != nullptr ? pointer + '/' + std::string(member) : pointer, message);
}

void check_listener_names(const Node& listen, const Config& config, Collector& problems) {
    std::map<std::string, std::size_t> taken;
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const std::string pointer = pointer_to(i);
        if (problems.about(pointer) || problems.about(pointer + "/name")) continue;
        const std::string& name = config.listen[i].name;
        const auto [other, is_new] = taken.emplace(name, i);
        if (is_new) continue;
        report(listen.children[i], pointer, "name",
               "the name " + in_quotes(name) + " is already used by " + pointer_to(other->second), problems);
    }
}

std::string words_for_overlap(const Address& address, const Address& before, const std::string& owner) {
    std::string words = in_quotes(to_string(address));
    if (address == before) return words + " is already used by " + owner;
    words += " cannot be bound beside ";
    words += in_quotes(to_string(before));
    return words + " of " + owner;
}

void check_listener_addresses(const Node& listen, const Config& config, Collector& problems) {
    std::vector<std::size_t> sound;
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const std::string pointer = pointer_to(i);
        if (problems.about(pointer) || problems.about(pointer + "/address")) continue;
        const auto address_of = [&](std::size_t index) -> const Address& {
            return config.listen[index].address;
        };
        const auto other = std::ranges::find_if(
            sound, [&](std::size_t before) { return overlap(address_of(i), address_of(before)); });
        if (other != sound.end()) {
            report(listen.children[i], pointer, "address",
                   words_for_overlap(address_of(i), address_of(*other), pointer_to(*other)), problems);
        }
        sound.push_back(i);
    }
}

void check_ready(const Node& worker, const Worker& config, Collector& problems) {
    const auto* ready = std::get_if<ReadyAfter>(&config.ready);
    if (ready == nullptr || ready->delay < config.ready_timeout) return;
    if (problems.about("/worker/ready") || problems.about("/worker/ready_timeout")) return;
    report(worker, "/worker", "ready",
           "ready after " + format_duration(ready->delay) +
               ", but ready_timeout gives up on a worker after " + format_duration(config.ready_timeout) +
               "; make ready_timeout longer",
           problems);
}

void check_backoff(const Node& restart, const Restart& config, Collector& problems) {
    if (config.backoff_min <= config.backoff_max) return;
    if (problems.about("/restart/backoff_min") || problems.about("/restart/backoff_max")) return;
    const std::string_view given = restart.find("backoff_min") != nullptr ? "backoff_min" : "backoff_max";
    report(restart, "/restart", given,
           "backoff_min (" + format_duration(config.backoff_min) + ") is above backoff_max (" +
               format_duration(config.backoff_max) + ")",
           problems);
}

}  // namespace

void check_cross_rules(const Node& root, const Config& config, Collector& problems) {
    // Given twice or of a wrong type: what was read is then not what `listen` shows.
    const Node* listen = problems.about("/listen") ? nullptr : root.find("listen");
    if (listen != nullptr) {
        check_listener_names(*listen, config, problems);
        check_listener_addresses(*listen, config, problems);
    }
    check_only_for(root, config, problems);
    if (const Node* worker = root.find("worker")) check_ready(*worker, config.worker, problems);
    if (const Node* restart = root.find("restart")) check_backoff(*restart, config.restart, problems);
}

}  // namespace sup::config
