// Who waits until when, the earliest first. The instance has the same data: each waiter knows its own
// deadline.
#pragma once

#include <compare>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "master/core/ids.h"
#include "master/core/time.h"

namespace sup::core {

struct Instance;

// A slot that waits to be restarted.
struct SlotId {
    GenerationId generation;
    Slot slot;

    friend auto operator<=>(const SlotId&, const SlotId&) = default;
};
// A worker waits for what its state says, a generation for the end of its soak.
using Waiter = std::variant<WorkerId, SlotId, GenerationId>;

class Deadlines {
public:
    Deadlines() = default;
    explicit Deadlines(const Instance& instance);

    // Each waiter has one at most, and knows it.
    void move(const Waiter& waiter, std::optional<TimePoint> from, std::optional<TimePoint> to);

    bool empty() const { return deadlines_.empty(); }
    std::optional<TimePoint> next() const;
    // The waiter with the earliest deadline, if that has come. At the same moment workers come first, by age,
    // then slots.
    std::optional<Waiter> due(TimePoint now) const;

private:
    std::set<std::pair<TimePoint, Waiter>> deadlines_;
};

}  // namespace sup::core
