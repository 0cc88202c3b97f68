// The datagram socket on which one worker, and whatever it started, notifies the master.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/notify/notify_message.h"
#include "master/notify/owner.h"
#include "master/notify/paced_poll.h"
#include "master/process/sender.h"

namespace sup {

struct Notification {
    NotifyMessage message;
    UniqueFd channel;  // the descriptor that came with X_SUP_CHANNEL=1; all others are closed
    Sender sender;
};

// Main thread only. Destroying it removes the socket's file.
class NotifySocket {
public:
    // May destroy the socket.
    using OnNotify = std::function<void(Notification)>;

    // Makes the socket at `path`, replacing a stale file; private_socket.h says who may write to it.
    static Result<std::unique_ptr<NotifySocket>> open(uv_loop_t* loop, const std::string& path,
                                                      std::optional<Owner> owner, OnNotify on_notify);
    ~NotifySocket();
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    const std::string& path() const noexcept { return path_; }

    // Delivers now what has arrived: for a worker that said something and exited.
    void drain();

private:
    NotifySocket(UniqueFd fd, std::string path, OnNotify on_notify);
    bool deliver_one();

    UniqueFd fd_;
    std::string path_;
    OnNotify on_notify_;
    std::unique_ptr<PacedPoll> poll_;
    std::shared_ptr<const bool> alive_;
};

}  // namespace sup
