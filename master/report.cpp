#include "master/report.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>

#include "master/control/protocol.h"

namespace sup {

StartReport::StartReport(UniqueFd stream) : stream_(std::move(stream)) {
    const timeval patience{1, 0};
    if (stream_) ::setsockopt(stream_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

void StartReport::event(const nlohmann::json& event) {
    write(control::event_notification(event));
}

void StartReport::succeeded(const nlohmann::json& result) {
    write(control::response("0", result));
    stream_.reset();
}

void StartReport::failed(const std::string& message, const nlohmann::json& data) {
    write(control::error_response("0", control::ErrorCode::failed, message, data));
    stream_.reset();
}

void StartReport::write(const std::string& line) {
    std::string_view rest = line;
    while (stream_ && !rest.empty()) {
        const ssize_t sent = ::send(stream_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) {
            stream_.reset();
        } else {
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
}

}  // namespace sup
