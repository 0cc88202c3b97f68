// The requests that the core answers by their ids, and who waits for them.
#pragma once

#include <functional>
#include <map>
#include <variant>

#include "master/core/ids.h"
#include "master/status/answers.h"
#include "master/status/picture.h"

namespace sup {

class Requests {
public:
    // For a start or a reload, or for a stop.
    using Outcome = std::variant<status::Reload, status::Stopped>;
    using Answer = std::function<void(const Outcome& outcome)>;

    // `answer` is called once, by answer(); pass an empty one for a request that nobody waits for (a signal).
    core::RequestId add(Answer answer);

    void answer(core::RequestId request, const Outcome& outcome);

private:
    std::uint64_t next_ = 1;
    std::map<core::RequestId, Answer> waiting_;
};

}  // namespace sup
