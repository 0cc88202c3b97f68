// Requests and those who wait for an answer: commands on the control socket, signals, and the waiting
// `sup start`.
#pragma once

#include <uv.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "master/control/server.h"
#include "master/core/event.h"
#include "master/desk/report.h"
#include "master/desk/requests.h"
#include "master/status/answers.h"
#include "master/status/event.h"

namespace sup {

// Main thread only.
class Desk final : public control::ControlHandler {
public:
    struct Callbacks {
        std::function<void(core::Event)> ask;  // the core
        std::function<status::Picture()> picture;
        std::function<void(bool now)> asked_to_stop;  // comes before the event
    };
    // `report`: the stream to the waiting `sup start`; may be empty. `name`: the instance's.
    Desk(std::string name, UniqueFd report, Callbacks callbacks);

    // Opens the control socket. An error leaves nothing behind, and is reported to the waiting `sup start`.
    Status open(uv_loop_t* loop, const std::string& socket);
    // Recreates the control socket if it was removed. False: it is still there, or was never opened.
    Result<bool> restore();
    // The end: the answers that were given still leave.
    void close();

    // The first request. Its outcome is reported to the waiting `sup start`; a failure only by
    // report_failed_start(), since something may still be running.
    core::RequestId start();
    // From a signal: nobody waits for the answer.
    core::RequestId add_unawaited() { return requests_.add({}); }
    void answer(core::RequestId request, const Requests::Outcome& outcome) {
        requests_.answer(request, outcome);
    }
    // To all subscribers, and to the waiting `sup start`.
    void announce(const status::Event& event);
    // An entry of the log, to all subscribers.
    void announce_log(config::LogLevel level, std::string_view message);
    void report_failed_start(const std::string& reason, const status::FailedStart& failed);
    bool somebody_waits_for_the_start() const noexcept { return report_.waiting(); }

    // control::ControlHandler
    std::string status() override;
    void reload(core::WaitFor wait, control::Reply reply) override;
    void stop(bool now, control::Reply reply) override;

private:
    std::string name_;
    Callbacks callbacks_;
    Requests requests_;
    StartReport report_;
    std::optional<control::ControlServer> control_;
};

}  // namespace sup
