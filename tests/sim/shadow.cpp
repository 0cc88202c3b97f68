#include "tests/sim/shadow.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "master/core/fields.h"
#include "tests/sim/property.h"

namespace sup::sim {
namespace {

using namespace core;

bool same_action(const Action& a, const Action& b) {
    return std::visit(
        [](const auto& left, const auto& right) {
            if constexpr (std::is_same_v<decltype(left), decltype(right)>) return same_fields(left, right);
            return false;
        },
        a, b);
}

[[noreturn]] void fail(std::string detail) {
    throw Violation{Property::saving_changes_nothing, std::move(detail)};
}

}  // namespace

void Shadow::begin(Supervisor& supervisor, Books& books, bool swap) {
    const std::string saved = supervisor.save().dump();
    Result<Supervisor> restored = Supervisor::restore(nlohmann::json::parse(saved));
    if (!restored) fail("what was saved cannot be restored: " + restored.error().message);
    if (restored->save().dump() != saved) fail("what was restored saves differently");
    if (restored->next_deadline() != supervisor.next_deadline())
        fail("what was restored waits for another deadline");
    copy_ = std::move(*restored);
    books_ = books.taken_over();
    if (!swap) return;
    std::swap(*copy_, supervisor);
    std::swap(books_, books);
}

void Shadow::follow(const Event& event, TimePoint now, const std::vector<Action>& actions, const Books& books,
                    std::optional<TimePoint> next_deadline) {
    if (!copy_) return;
    const std::vector<Action> again = copy_->step(event, now);
    if (!std::equal(actions.begin(), actions.end(), again.begin(), again.end(), same_action))
        fail("the restored supervisor acts differently");
    if (copy_->next_deadline() != next_deadline) fail("the restored supervisor waits for another deadline");
    books_.after(event, now, again);
    if (books_.answers() != books.answers() || (!books.answers().empty() && !books_.same_ledger(books)))
        fail("the restored ledger answers differently");
}

}  // namespace sup::sim
