#include "tests/integration/support/control.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

namespace sup::test {

ControlClient::ControlClient(const std::filesystem::path& socket)
    : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof(address.sun_path) - 1);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) fd_.reset();
}

bool ControlClient::send(std::string_view bytes) {
    while (fd_ && !bytes.empty()) {
        pollfd writable{fd_.get(), POLLOUT, 0};
        if (::poll(&writable, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) <= 0)
            return false;
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return bool(fd_);
}

bool ControlClient::request(const std::string& line) {
    const auto taken = [&] {
        int unread = 0;
        return ::ioctl(fd_.get(), SIOCOUTQ, &unread) == 0 && unread == 0;
    };
    return send(line + "\n") && eventually(taken);
}

std::string ControlClient::line(std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (;;) {
        const auto newline = buffer_.find('\n');
        if (newline != std::string::npos) {
            std::string text = buffer_.substr(0, newline);
            buffer_.erase(0, newline + 1);
            return text;
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd readable{fd_.get(), POLLIN, 0};
        if (ended_ || left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0)
            return "";
        std::array<char, 65536> bytes;
        const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
        if (size <= 0) ended_ = true;
        if (size > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(size));
    }
}

std::string ControlClient::response(std::chrono::milliseconds deadline) {
    for (;;) {
        std::string text = line(deadline);
        if (text.empty() || text.find("\"method\"") == std::string::npos) return text;
    }
}

bool ControlClient::closed_by_master(std::chrono::milliseconds deadline) {
    while (!line(deadline).empty()) {
    }
    return ended_;
}

ReloadResponse parse_reload_response(const std::string& line) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return {};
    const auto& outcome =
        json.contains("result") ? json["result"] : json.value("/error/data"_json_pointer, json);
    if (!outcome.is_object() || !outcome.contains("generation") || !outcome["generation"].is_number())
        return {};
    return {outcome["generation"], outcome.value("outcome", "")};
}

}  // namespace sup::test
