#pragma once

#include <memory>

#include "master/handoff/inbox.h"
#include "tests/catch.h"

namespace sup::test {

inline std::shared_ptr<Inbox> open_inbox() {
    auto inbox = Inbox::open();
    REQUIRE(inbox.ok());
    return *inbox;
}

}  // namespace sup::test
