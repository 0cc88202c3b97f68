// A second supervisor and ledger, restored from what the first ones saved, that are fed the same from then on.
// Saving must not change what follows: every step of both must give the same actions, and the same next
// deadline.
#pragma once

#include <optional>
#include <vector>

#include "master/core/supervisor.h"
#include "tests/sim/books.h"

namespace sup::sim {

class Shadow {
public:
    // Saves, restores, and saves again, which must give the same. With `swap` the restored one takes the
    // place of the one that was saved, and that one becomes the shadow. Throws a Violation.
    void begin(core::Supervisor& supervisor, Books& books, bool swap);
    // The same step, if there is a shadow. Throws a Violation.
    void follow(const core::Event& event, core::TimePoint now, const std::vector<core::Action>& actions,
                const Books& books, std::optional<core::TimePoint> next_deadline);

private:
    std::optional<core::Supervisor> copy_;
    Books books_;
};

}  // namespace sup::sim
