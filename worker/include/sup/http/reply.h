// An answer for another thread to give: see Response::detach().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sup::http {

struct Home;

// For any thread, one at a time, even after the client, the server, or the worker has gone: then it does
// nothing. If dropped without an answer, it sends a 500.
class Reply {
public:
    Reply(Reply&& other) noexcept = default;
    Reply& operator=(Reply&& other) noexcept;
    ~Reply() { drop(); }

    // Like Response::header(). False if the header will be left out, or send() was already called.
    bool header(std::string_view name, std::string_view value);

    // The whole answer, like Response::send(). It is sent by the worker's thread, a little later: true means
    // that it is on its way there. False: the client or the worker has gone, an answer was sent before, or
    // `status` is invalid.
    bool send(int status, std::string body, std::string_view content_type = "text/plain");

    // Whether nobody is left to receive the answer.
    bool gone() const;

private:
    friend class Response;
    friend class Exchange;
    using Gone = std::shared_ptr<std::atomic<bool>>;

    Reply(std::shared_ptr<Home> home, std::uint64_t number, Gone gone)
        : home_(std::move(home)), number_(number), gone_(std::move(gone)) {}
    void drop();

    std::shared_ptr<Home> home_;  // null once it was sent, moved from, or for nobody from the beginning
    std::uint64_t number_ = 0;    // of the Response that waits in the worker
    Gone gone_;
    std::vector<std::pair<std::string, std::string>> headers_;
};

}  // namespace sup::http
