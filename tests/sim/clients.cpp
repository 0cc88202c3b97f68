#include "tests/sim/clients.h"

#include <algorithm>
#include <array>

#include "tests/sim/property.h"

namespace sup::sim {

using namespace core;

void Clients::steer(const Event& event, const std::vector<Action>& actions) {
    if (const auto* told = actions.empty() ? nullptr : std::get_if<Steer>(&actions.front()))
        serving_ = told->serving;
    if (const auto* prepared = std::get_if<Prepared>(&event)) {
        if (sockets_.empty()) steering_ = {.homes = 1, .accepting = {true}};
        const std::uint32_t count = prepared->policy.count;
        const std::uint32_t sockets = random_.pick(std::array<std::uint32_t, 4>{count, count, 1, 0});
        const bool lives = std::ranges::any_of(serving_, [&](const ServingGeneration& generation) {
            return generation.generation == prepared->generation &&
                   generation.state == GenerationState::starting;
        });
        if (lives && sockets > 0) sockets_.emplace(prepared->generation, sockets);
    }
    if (const auto wanted = core::steer(serving_, sockets_)) steering_ = *wanted;
}

void Clients::released(const std::vector<Action>& actions) {
    for (const Action& action : actions)
        if (const auto* release = std::get_if<Release>(&action)) sockets_.erase(release->generation);
}

std::vector<bool> Clients::accepting_sockets(const Model& model) const {
    std::vector<bool> accepting;
    for (const Worker& worker : model.workers) {
        const auto has = sockets_.find(worker.generation);
        if (has == sockets_.end() || worker.state != WorkerState::ready) continue;
        const std::uint32_t socket = worker.slot % has->second;
        if (socket >= accepting.size()) accepting.resize(socket + std::size_t{1});
        accepting[socket] = true;
    }
    return accepting;
}

void Clients::come(const Model& model) {
    const std::vector<bool> accepting = accepting_sockets(model);
    const auto accepts = [&](std::uint32_t socket) { return socket < accepting.size() && accepting[socket]; };
    const GenerationModel* active = model.active();
    const auto has = active != nullptr ? sockets_.find(active->id) : sockets_.end();
    const std::uint32_t homes = has != sockets_.end() ? std::min(has->second, active->count()) : 0;
    visit(model, homes, accepting);
    if (accepting.empty()) return;
    for (int client = 0; client < 8; ++client) {
        const auto hash = static_cast<std::uint32_t>(random_.next() >> 48U);
        const std::uint32_t socket = socket_of(steering_, hash);
        require(accepts(socket), Property::clients_find_a_worker,
                "a client waits at a socket without a worker, and another one has one");
        require(homes == 0 || !accepts(hash % homes) || socket == hash % homes,
                Property::clients_find_a_worker, "a client is sent away from a worker that accepts");
    }
}

void Clients::visit(const Model& model, std::uint32_t homes, const std::vector<bool>& accepting) {
    if (!sockets_.empty() && accepting.empty()) coverage_.visit(Situation::clients_find_nobody);
    if (accepting.empty()) return;
    for (std::uint32_t home = 0; home < homes; ++home)
        if (home >= accepting.size() || !accepting[home])
            coverage_.visit(Situation::clients_without_their_home);
    if (accepting.size() > homes && homes > 0) coverage_.visit(Situation::clients_not_at_new_sockets_yet);
    if (homes > 0 || model.active() == nullptr) return;
    const bool upcoming = std::ranges::any_of(model.generations, [](const GenerationModel& generation) {
        return generation.state == GenerationState::starting || generation.state == GenerationState::soaking;
    });
    coverage_.visit(upcoming ? Situation::clients_of_new_listener : Situation::clients_of_failed_listener);
}

}  // namespace sup::sim
