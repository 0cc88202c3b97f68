// The control socket's other side: blocking calls for the command line.
#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/control/line_stream.h"

namespace sup::control {

struct CallError {
    enum class Kind {
        not_running,   // nobody listens: no socket, or one that a dead master left
        timed_out,     // the deadline passed; what was asked for goes on
        disconnected,  // the master went away before it answered
        refused,       // the master answered with an error
        turned_away,   // it had no room for one more client: nothing was asked
        not_awaited,   // what was asked for goes on, but its outcome will not be told
        failed,        // anything else
    };
    Kind kind = Kind::failed;
    std::string message;
};

using OnEvent = std::function<void(const nlohmann::json& event)>;

class Client {
public:
    // The process that answers must belong to this user or root, or, when root asks, to the owner of the
    // socket's folder.
    static Result<Client, CallError> connect(const std::string& socket_path, const Deadline& deadline);

    // Sends a call and waits for its result. Events that come before it go to `on_event`.
    Result<nlohmann::json, CallError> call(std::string_view method, const nlohmann::json& params,
                                           const Deadline& deadline, const OnEvent& on_event = {});

    // The process that listens (SO_PEERCRED); 0 when it lives in a pid namespace that cannot be seen from
    // here.
    pid_t master_pid() const;

    // Waits for the master to hang up. False: the deadline passed.
    bool wait_for_end(const Deadline& deadline);

private:
    explicit Client(UniqueFd socket);

    UniqueFd socket_;
    LineReader reader_;
    int last_id_ = 0;
};

}  // namespace sup::control
