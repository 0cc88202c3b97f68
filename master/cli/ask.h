// What a master is asked, and what it answers, in types.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "common/result.h"
#include "master/control/client.h"
#include "master/status/answers.h"
#include "master/status/event.h"
#include "master/status/picture.h"

namespace sup::cli {

using control::CallError;
using control::Deadline;
using OnEvent = std::function<void(const status::Event& event)>;

// `json` is what the master wrote, with what only a newer one tells.
template <typename T>
struct Told {
    T value;
    std::string json;
};

Result<Told<status::Picture>, CallError> ask_status(control::Client& client, const Deadline& deadline);
Result<Told<status::Reload>, CallError> ask_reload(control::Client& client, bool drained,
                                                   const Deadline& deadline, const OnEvent& on_event);
Result<Told<status::Stopped>, CallError> ask_stop(control::Client& client, bool now, const Deadline& deadline,
                                                  const OnEvent& on_event);

// A line of what a master reports while it starts.
struct StartFailed {
    std::string reason;
    status::FailedStart facts;
};
using StartLine = std::variant<status::Event, status::Started, StartFailed>;
// None for a line that tells nothing that is known.
std::optional<StartLine> read_start_line(const std::string& line);

}  // namespace sup::cli
