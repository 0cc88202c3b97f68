// Who waits for what: the requests that the core answers by their ids.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>

#include "master/core/ids.h"

namespace sup {

class Requests {
public:
    using Answer = std::function<void(const nlohmann::json& result)>;

    // `answer` is called once, by answer(); pass an empty one for a request that nobody waits for (a signal).
    core::RequestId add(Answer answer);

    void answer(core::RequestId request, const nlohmann::json& result);

private:
    std::uint64_t next_ = 1;
    std::map<core::RequestId, Answer> waiting_;
};

}  // namespace sup
