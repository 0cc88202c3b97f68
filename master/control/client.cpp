#include "master/control/client.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "master/control/protocol.h"
#include "master/control/socket_address.h"

namespace sup::control {
namespace {

using nlohmann::json;
using Kind = CallError::Kind;

CallError timed_out() {
    return {Kind::timed_out, "no answer came in time"};
}

CallError disconnected() {
    return {Kind::disconnected, "the master hung up before it answered"};
}

CallError refusal(const json& error) {
    CallError refused{Kind::refused, "it gave no reason"};
    if (!error.is_object()) return refused;
    if (const auto message = error.find("message"); message != error.end() && message->is_string())
        refused.message = message->get<std::string>();
    const auto code = error.find("code");
    if (code == error.end()) return refused;
    if (*code == static_cast<int>(ErrorCode::too_many_clients)) refused.kind = Kind::turned_away;
    if (*code == static_cast<int>(ErrorCode::not_awaited)) refused.kind = Kind::not_awaited;
    return refused;
}

// A reply to this call, an event on the way to it, or something that means nothing here.
std::variant<std::monostate, json, CallError> take(json message, int id, const OnEvent& on_event) {
    if (const auto method = message.find("method"); method != message.end()) {
        if (on_event && *method == "event" && message.contains("params")) on_event(message["params"]);
        return std::monostate{};
    }
    if (const auto error = message.find("error"); error != message.end()) return refusal(*error);
    if (message.contains("id") && message["id"] == id && message.contains("result"))
        return std::move(message["result"]);
    return std::monostate{};
}

// connect(2) on a full accept queue waits no longer than SO_SNDTIMEO says; a non-blocking socket would fail
// at once, and no poll tells when there is room again (unix(7)).
void limit_connect(int socket, const Deadline& deadline) {
    if (!deadline) return;
    const auto left =
        std::chrono::ceil<std::chrono::microseconds>(*deadline - std::chrono::steady_clock::now());
    const auto micros = std::max<std::chrono::microseconds::rep>(left.count(), 1);  // zero would be no limit
    const timeval limit{.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

std::optional<uid_t> owner_of_folder(const std::string& file) {
    struct stat status {};
    const std::string folder = file.substr(0, file.rfind('/'));
    if (::lstat(folder.c_str(), &status) != 0) return std::nullopt;
    return status.st_uid;
}

// Whoever may put a socket there may answer in the master's place. Root, who looks after other users'
// instances, also listens to the one whose folder it is.
Status check_peer(int socket, const std::string& path) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return errno_error("SO_PEERCRED");
    if (peer.uid == 0 || peer.uid == ::geteuid()) return Success{};
    if (::geteuid() == 0 && owner_of_folder(path) == peer.uid) return Success{};
    return Error{path + " is answered by pid " + std::to_string(peer.pid) + " of user " +
                 std::to_string(peer.uid) + ", which is not your master"};
}

CallError connect_error(const std::string& path, int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR:
        case ECONNREFUSED: return {Kind::not_running, "no master listens at " + path};
        case EAGAIN: return timed_out();
        default: return {Kind::failed, errno_error("cannot connect to " + path, error_number).message};
    }
}

}  // namespace

Client::Client(UniqueFd socket) : socket_(std::move(socket)) {}

Result<Client, CallError> Client::connect(const std::string& socket_path, const Deadline& deadline) {
    const auto address = SocketAddress::create(socket_path);
    if (!address) return CallError{Kind::failed, address.error().message};
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket) return CallError{Kind::failed, errno_error("cannot create a socket").message};
    limit_connect(socket.get(), deadline);
    int connected = 0;
    do {
        connected = ::connect(socket.get(), address->get(), SocketAddress::size());
    } while (connected != 0 && errno == EINTR);
    if (connected != 0) return connect_error(socket_path, errno);
    if (Status ours = check_peer(socket.get(), socket_path); !ours)
        return CallError{Kind::failed, ours.error().message};
    return Client{std::move(socket)};
}

Result<json, CallError> Client::call(std::string_view method, const json& params, const Deadline& deadline,
                                     const OnEvent& on_event) {
    const int id = ++last_id_;
    const auto sent = write_all(socket_.get(), request(std::to_string(id), method, params), deadline);
    if (std::holds_alternative<TimedOut>(sent)) return timed_out();
    // A master that turned this client away has said why before it hung up: an error here is not the last
    // word.
    while (true) {
        auto line = reader_.next(socket_.get(), deadline);
        if (std::holds_alternative<TimedOut>(line)) return timed_out();
        if (std::holds_alternative<EndOfStream>(line)) return disconnected();
        if (const auto* error = std::get_if<Error>(&line)) return CallError{Kind::failed, error->message};
        auto message = json::parse(std::get<std::string>(line), nullptr, false);
        if (!message.is_object())
            return CallError{Kind::failed, "the master answered with something that is not JSON-RPC"};
        auto taken = take(std::move(message), id, on_event);
        if (auto* result = std::get_if<json>(&taken)) return std::move(*result);
        if (auto* error = std::get_if<CallError>(&taken)) return std::move(*error);
        if (has_passed(deadline)) return timed_out();  // whatever else still comes
    }
}

pid_t Client::master_pid() const {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

bool Client::wait_for_end(const Deadline& deadline) {
    while (true) {
        const auto line = reader_.next(socket_.get(), deadline);
        if (std::holds_alternative<TimedOut>(line)) return false;
        if (!std::holds_alternative<std::string>(line)) return true;
    }
}

}  // namespace sup::control
