#include "master/cli/connect.h"

namespace sup::cli {

using Kind = control::CallError::Kind;

Result<control::Client, CommandError> connect_to(const Found& instance, const control::Deadline& deadline) {
    auto client = control::Client::connect(instance.paths.control_socket, deadline);
    if (client) return std::move(*client);
    if (client.error().kind == Kind::not_running) {
        return CommandError{
            ExitCode::not_running,
            "instance " + instance.name +
                " is being started or ended just now, or its socket was removed: " + client.error().message};
    }
    return explain(client.error(), instance.name, "the call");
}

CommandError explain(const control::CallError& error, const std::string& name, const std::string& operation) {
    switch (error.kind) {
        case Kind::not_running: return {ExitCode::not_running, error.message};
        case Kind::timed_out:
            return {ExitCode::timed_out, operation + " of " + name +
                                             " has not ended within the timeout and goes on; `sup status " +
                                             name + "` shows how it stands"};
        case Kind::disconnected:
            return {ExitCode::failed,
                    "the master of " + name + " went away before " + operation + " had ended"};
        case Kind::refused: return {ExitCode::failed, "the master of " + name + " refused: " + error.message};
        case Kind::turned_away:
            return {ExitCode::failed, "the master of " + name + " could not take " + operation + ": " +
                                          error.message + "; nothing was asked for, try again"};
        case Kind::not_awaited:
            return {ExitCode::timed_out,
                    operation + " of " + name + " goes on, but its outcome cannot be waited for (" +
                        error.message + "); `sup status " + name + "` shows how it stands"};
        case Kind::failed: return {ExitCode::failed, error.message};
    }
    return {ExitCode::failed, error.message};
}

}  // namespace sup::cli
