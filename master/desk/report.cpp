#include "master/desk/report.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <string_view>

#include "master/control/protocol.h"
#include "master/status/json.h"

namespace sup {

StartReport::StartReport(UniqueFd stream) : stream_(std::move(stream)) {
    const timeval patience{1, 0};
    if (stream_) ::setsockopt(stream_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

void StartReport::event(const status::Event& event) {
    write(control::event_notification(status::to_json(event)));
}

void StartReport::succeeded(const status::Started& started) {
    write(control::response("0", status::to_json(started)));
    stream_.reset();
}

void StartReport::failed(const std::string& reason, const status::FailedStart& failed) {
    write(control::error_response("0", control::ErrorCode::failed, reason, status::to_json(failed)));
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
