#include "master/requests.h"

#include <nlohmann/json.hpp>

namespace sup {

core::RequestId Requests::add(Answer answer) {
    const core::RequestId id{next_++};
    waiting_.emplace(id, std::move(answer));
    return id;
}

void Requests::answer(core::RequestId request, const nlohmann::json& result) {
    const auto node = waiting_.extract(request);
    if (!node.empty() && node.mapped()) node.mapped()(result);
}

}  // namespace sup
