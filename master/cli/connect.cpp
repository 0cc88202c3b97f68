#include "master/cli/connect.h"

#include <string>

#include "master/process/process_status.h"

namespace sup::cli {

using Kind = control::CallError::Kind;

namespace {

// The pid file may just have changed hands, so it is read once more before somebody is called an impostor. A
// master in another pid namespace has written its pid there, and has none or another one here.
Status check_master(const control::Client& client, const Found& instance) {
    const pid_t peer = client.master_pid();
    const auto agrees = [peer](pid_t pid) {
        return peer == 0 || pid == 0 || peer == pid || pid_in_own_namespace(peer) == pid;
    };
    if (agrees(instance.pid)) return Success{};
    const pid_t now = look_at(instance.runtime_directory, instance.name).pid;
    if (agrees(now)) return Success{};
    return Error{"the socket of " + instance.name + " is answered by pid " + std::to_string(peer) +
                 ", but its master is pid " + std::to_string(now) + " (" + instance.paths.pid + ")"};
}

}  // namespace

Result<control::Client, CommandError> connect_to(const Found& instance, const control::Deadline& deadline) {
    auto client = control::Client::connect(instance.paths.control_socket, deadline);
    if (client) {
        if (Status ours = check_master(*client, instance); !ours)
            return CommandError{ExitCode::failed, ours.error().message};
        return std::move(*client);
    }
    if (client.error().kind == Kind::not_running) {
        return CommandError{ExitCode::not_running,
                            "instance " + instance.name +
                                " is being started or stopped right now, or its socket was removed: " +
                                client.error().message};
    }
    return explain(client.error(), instance.name, "the call");
}

CommandError explain(const control::CallError& error, const std::string& name, const std::string& operation) {
    switch (error.kind) {
        case Kind::not_running: return {ExitCode::not_running, error.message};
        case Kind::timed_out:
            return {ExitCode::timed_out,
                    operation + " of " + name +
                        " did not finish within the timeout and is still in progress; `sup status " + name +
                        "` shows its state"};
        case Kind::disconnected:
            return {ExitCode::failed,
                    "the master of " + name + " went away before " + operation + " finished"};
        case Kind::refused: return {ExitCode::failed, "the master of " + name + " refused: " + error.message};
        case Kind::turned_away:
            return {ExitCode::failed, "the master of " + name + " could not accept " + operation + ": " +
                                          error.message + "; nothing was started, try again"};
        case Kind::not_awaited:
            return {ExitCode::timed_out, operation + " of " + name +
                                             " is still in progress, but sup cannot wait for its outcome (" +
                                             error.message + "); `sup status " + name + "` shows its state"};
        case Kind::failed: return {ExitCode::failed, error.message};
    }
    return {ExitCode::failed, error.message};
}

}  // namespace sup::cli
