// What an exchange keeps of its server, even when that has gone: a handler may hold on to a Response, and
// another thread to a Reply.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "sup/http/response.h"
#include "worker/http/misuse.h"
#include "worker/lifecycle/loop_thread.h"
#include "worker/lifecycle/mailbox.h"

namespace sup::http {

// All but the mailbox belongs to the loop's thread.
struct Home {
    std::shared_ptr<const worker::LoopThread> thread = std::make_shared<worker::LoopThread>();
    std::shared_ptr<worker::Mailbox> mailbox;  // any thread; none without a worker
    MisuseLog misuse;

    // Responses whose Reply is with another thread, which has no more than their number.
    std::uint64_t keep_detached(Response response) {
        detached_.emplace(++last_, std::move(response));
        return last_;
    }
    std::optional<Response> take_detached(std::uint64_t number) {
        const auto found = detached_.find(number);
        if (found == detached_.end()) return std::nullopt;
        std::optional<Response> response(std::move(found->second));
        detached_.erase(found);
        return response;
    }
    // The server is being destroyed.
    void forget_detached() { std::exchange(detached_, {}); }

private:
    std::unordered_map<std::uint64_t, Response> detached_;
    std::uint64_t last_ = 0;
};

}  // namespace sup::http
