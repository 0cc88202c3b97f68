// Who waits for what: the requests that the core answers by their ids.
#pragma once

#include <functional>
#include <map>

#include "master/core/ids.h"
#include "master/status/picture.h"

namespace sup {

class Requests {
public:
    // A stop has nothing to say: its outcome is empty.
    using Answer = std::function<void(const status::Reload& outcome)>;

    // `answer` is called once, by answer(); pass an empty one for a request that nobody waits for (a signal).
    core::RequestId add(Answer answer);

    void answer(core::RequestId request, const status::Reload& outcome);

private:
    std::uint64_t next_ = 1;
    std::map<core::RequestId, Answer> waiting_;
};

}  // namespace sup
