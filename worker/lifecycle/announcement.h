// Tells the supervisor that the worker serves, and opens the channel to a master of sup: in one message where
// that can be. A descriptor may be refused while too many are in flight for the user (unix(7), ETOOMANYREFS);
// readiness does not wait for that, and the channel is offered again until it can travel.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "common/duration.h"
#include "common/result.h"
#include "common/retry.h"
#include "common/unix_message.h"
#include "worker/lifecycle/channel.h"
#include "worker/lifecycle/notify_client.h"

namespace sup::worker {

class Announcement {
public:
    // Neither may destroy the announcement.
    struct Callbacks {
        std::function<void(UniqueFd)> opened;  // the worker's end of the channel; at most once
        std::function<void(const Error&)>
            failed;  // READY=1 was not sent within `patience`, perhaps later; once
    };
    Announcement(uv_loop_t* loop, const NotifyClient& notify, Duration patience, Callbacks callbacks);
    Announcement(const Announcement&) = delete;
    Announcement& operator=(const Announcement&) = delete;

    // The first attempt is made here, the others from the loop.
    // With a channel in which `first_packet` waits for the master when it gets its end, or without one.
    void begin(const std::optional<std::string>& first_packet);
    bool said_ready() const { return said_ready_; }

private:
    using Clock = std::chrono::steady_clock;

    void go_on();
    Result<SendOutcome> offer_channel();
    bool waited(Duration time) const { return Clock::now() - began_ >= time; }

    const NotifyClient& notify_;
    Duration patience_;
    Callbacks callbacks_;
    std::optional<Channel::Ends> ends_;  // until the master has its own
    bool said_ready_ = false;
    bool told_failure_ = false;
    Clock::time_point began_;
    Retry retry_;
};

}  // namespace sup::worker
