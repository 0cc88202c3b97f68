// A request's body on its way into a file: written on the pool, so that a slow disk holds up nobody else.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/unique_fd.h"
#include "sup/http/request.h"

namespace sup::worker {
class Core;
}

namespace sup::http {

// What has become of the exchange whose body it is.
enum class Saving : std::uint8_t {
    goes_on,
    answered,  // over: the answer has left, the body is here, and the file may still take its time
    cut,       // over: nobody wants the rest
};

// In the loop's thread. Lives as long as pieces or a job of it do.
class BodyFile : public std::enable_shared_from_this<BodyFile> {
public:
    // `saving` is read on the pool, to know how long a file that takes nothing is worth waiting for.
    BodyFile(worker::Core* worker, UniqueFd file, Request::BodySaved done,
             std::shared_ptr<const std::atomic<Saving>> saving);

    void take(std::string_view piece, bool last, Response& response);

private:
    void go_on(Response& response);
    void begin_job(Response& response);
    void written(Response& response);
    void write(std::string_view bytes);
    int wait_for_room() const;
    ssize_t write_some(std::string_view bytes, bool waits) const;
    void tell(Response& response);

    worker::Core* worker_;  // null: writes at once
    UniqueFd file_;
    Request::BodySaved done_;
    std::shared_ptr<const std::atomic<Saving>> saving_;
    std::shared_ptr<const std::atomic<bool>> given_up_;  // by the worker, which ends; null without one
    std::string waiting_;
    int problem_ = 0;
    enum class Job : std::uint8_t { none, runs } job_ = Job::none;
    enum class Input : std::uint8_t { open, ended } input_ = Input::open;
};

}  // namespace sup::http
