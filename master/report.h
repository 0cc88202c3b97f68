// Tells the one who waits for `sup start` how the start goes: lines of the control protocol on a stream.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/unique_fd.h"

namespace sup {

// Does nothing when made of an empty descriptor, after the outcome, and once the reader has gone. A reader
// that does not read may hold a write up for a second, once: then it is taken for gone.
class StartReport {
public:
    explicit StartReport(UniqueFd stream);

    bool waiting() const noexcept { return static_cast<bool>(stream_); }
    void event(const nlohmann::json& event);
    // The outcome; closes the stream.
    void succeeded(const nlohmann::json& result);
    void failed(const std::string& message, const nlohmann::json& data);

private:
    void write(const std::string& line);
    UniqueFd stream_;
};

}  // namespace sup
