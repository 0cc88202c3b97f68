// What workers that speak the channel do: open it, sooner or later, and then move connections, until the
// worst of times.
#include <limits>

#include "tests/sim/world.h"

namespace sup::sim {

using namespace core;

// Most generations are of one kind; in some only single workers speak the channel.
void World::choose_dialect(GenerationId generation, Duration drain_timeout) {
    std::uint64_t slots = random_.next();
    if (random_.chance(50)) slots = std::numeric_limits<std::uint64_t>::max();
    if (random_.chance(30)) slots = 0;
    dialects_.push_back({generation, slots, drain_timeout * 9 / 10});
}

const World::Dialect* World::dialect(GenerationId generation) const {
    for (const Dialect& dialect : dialects_)
        if (dialect.generation == generation) return &dialect;
    return nullptr;
}

bool World::speaks(const Process& process) const {
    const Dialect* own = dialect(process.generation);
    return own != nullptr && ((own->slots >> (process.slot % 64U)) & 1U) != 0;
}

// With its READY=1 as a rule, before it if it likes, late if it is slow, and again if it is confused.
void World::plan_channel(const Process& process, Duration ready) {
    Duration delay = ready;
    if (fault(20)) delay = Duration{0};
    if (fault(20)) delay = ready + random_delay(random_, 100);
    schedule(delay, Kind::open_channel, number_of(process.worker));
    if (fault(5)) schedule(delay + random_delay(random_, 50), Kind::open_channel, number_of(process.worker));
}

void World::open_channel(Process& process) {
    if (process.channel) return;
    process.channel = true;
    if (process.killed) return;
    connections_.opened(process.worker, process.generation, process.slot);
    if (process.drained) connections_.drained(process.worker, std::nullopt);
    schedule(random_delay(random_, 50), Kind::accept, number_of(process.worker));
}

void World::perform_handoff(const Action& action) {
    if (const auto* told = std::get_if<Drain>(&action)) {
        connections_.drained(told->worker, told->inbox);
        schedule(random_delay(random_, 20), Kind::hand_over, number_of(told->worker));
    } else if (const auto* offer = std::get_if<OfferInbox>(&action)) {
        connections_.sent_on(offer->worker, offer->inbox);
        schedule(random_delay(random_, 20), Kind::hand_over, number_of(offer->worker));
    } else if (const auto* closed = std::get_if<CloseInbox>(&action)) {
        connections_.close(closed->generation, closed->successor);
    } else if (const auto* reopened = std::get_if<ReopenInbox>(&action)) {
        connections_.reopen(reopened->generation, reopened->worker);
    } else if (const auto* moved = std::get_if<ForwardInbox>(&action)) {
        connections_.forward(moved->from, moved->to);
        move_on();
    } else if (const auto* released = std::get_if<Release>(&action)) {
        connections_.release(released->generation);
        std::erase_if(dialects_, [&](const Dialect& d) { return d.generation == released->generation; });
    } else {
        return;
    }
    wake_takers();
}

void World::accept(WorkerId worker) {
    connections_.accepted(worker, 1 + random_.below(3));
    if (fault(20)) connections_.put_back(worker);
    if (fault(60)) schedule(random_delay(random_, 200), Kind::accept, number_of(worker));
}

void World::hand_over(WorkerId worker) {
    if (!fault(30)) connections_.reads_channel(worker);
    switch (connections_.hand_over(worker)) {
        case Connections::HandOver::was_the_last: return;
        case Connections::HandOver::no_room:
            return schedule(Duration{5} + random_delay(random_, 20), Kind::hand_over, number_of(worker));
        case Connections::HandOver::more_to_come: break;
    }
    schedule(random_delay(random_, calm_ ? 2 : 20), Kind::hand_over, number_of(worker));
    if (fault(3)) schedule(Duration{0}, Kind::crash, number_of(worker), crash_status());
}

// One of those that wait for it takes one, or dies before that.
void World::take_from(GenerationId inbox) {
    connections_.looked(inbox);
    const auto taker = connections_.taker(inbox, random_.below(64));
    if (!taker) return;
    if (fault(5)) return schedule(Duration{0}, Kind::crash, number_of(*taker), crash_status());
    connections_.take(*taker);
    schedule(random_delay(random_, 20), Kind::hand_over, number_of(*taker));
}

// Unless the kernel refuses it for the moment.
void World::move_on() {
    moves_on_later_ = false;
    if (!fault(50)) connections_.move_on();
    move_on_later();
}

void World::move_on_later() {
    if (moves_on_later_ || !connections_.something_waits()) return;
    moves_on_later_ = true;
    schedule(Duration{5} + random_delay(random_, 100), Kind::move_on, 0);
}

void World::wake_takers() {
    connections_.wake([this](GenerationId inbox) {
        schedule(random_delay(random_, calm_ ? 2 : 20), Kind::take, number_of(inbox));
    });
}

void World::time_up(WorkerId worker) {
    connections_.time_is_up(worker);
    schedule(random_delay(random_, 1), Kind::exit, number_of(worker));
}

// In order only if it was told to, and nobody was faster. False when it has to wait for room in an inbox.
bool World::exit(WorkerId worker, Kind kind, ExitStatus status) {
    const Process& process = *find(number_of(worker));
    const bool in_order = kind == Kind::exit && process.drained && !process.killed && status == ExitStatus{};
    if (in_order) {
        if (!connections_.leaves(worker)) return false;
    } else {
        connections_.dies(worker);
    }
    end(worker);
    return true;
}

}  // namespace sup::sim
