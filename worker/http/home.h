// What an exchange keeps of its server, also when that has gone: a handler may hold on to a Response.
#pragma once

#include <memory>

#include "worker/http/misuse.h"
#include "worker/lifecycle/loop_thread.h"

namespace sup::http {

struct Home {
    // Whose all of it is.
    std::shared_ptr<const worker::LoopThread> thread = std::make_shared<worker::LoopThread>();
    MisuseLog misuse;
};

}  // namespace sup::http
