// Tells the one who waits for `sup start` how the start goes: lines of the control protocol on a stream.
#pragma once

#include <string>

#include "common/unique_fd.h"
#include "master/status/answers.h"
#include "master/status/event.h"

namespace sup {

// Does nothing if made from an empty descriptor, after the outcome, and once the reader has gone. A reader
// that does not read can delay a write for a second, once: after that it counts as gone.
class StartReport {
public:
    explicit StartReport(UniqueFd stream);

    bool waiting() const noexcept { return static_cast<bool>(stream_); }
    void event(const status::Event& event);
    // The outcome; closes the stream.
    void succeeded(const status::Started& started);
    void failed(const std::string& reason, const status::FailedStart& failed);

private:
    void write(const std::string& line);
    UniqueFd stream_;
};

}  // namespace sup
