#include "master/desk/requests.h"

namespace sup {

core::RequestId Requests::add(Answer answer) {
    const core::RequestId id{next_++};
    waiting_.emplace(id, std::move(answer));
    return id;
}

void Requests::answer(core::RequestId request, const Outcome& outcome) {
    const auto node = waiting_.extract(request);
    if (!node.empty() && node.mapped()) node.mapped()(outcome);
}

}  // namespace sup
