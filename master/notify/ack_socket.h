// The stream socket on which one worker that was written for einhorn acknowledges its start.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/notify/hearing.h"
#include "master/notify/owner.h"
#include "master/notify/paced_poll.h"

namespace sup {

// Main thread only. Destroying it removes the socket's file.
class AckSocket {
public:
    struct Callbacks {
        std::function<void()> acknowledged;
        // Somebody wrote what is no ack of this worker, in words; said once.
        std::function<void(const std::string&)> trouble;
    };
    // Neither callback may destroy the socket. Makes it at `path`, replacing a stale file; private_socket.h
    // says who may connect.
    static Result<std::unique_ptr<AckSocket>> open(uv_loop_t* loop, const std::string& path,
                                                   std::optional<Owner> owner, Callbacks callbacks);
    ~AckSocket();
    AckSocket(const AckSocket&) = delete;
    AckSocket& operator=(const AckSocket&) = delete;

    // Only this worker's processes can acknowledge, and only for themselves: the kernel says who connected
    // (SO_PEERCRED).
    // `hearing` outlives this.
    void expect(pid_t worker, Hearing& hearing) {
        worker_ = worker;
        hearing_ = &hearing;
    }
    // Delivers now what has arrived.
    void drain();

private:
    struct Connection {
        UniqueFd fd;
        Sender peer;
        bool heard;
        std::string received;
        std::unique_ptr<PacedPoll> poll;
    };
    AckSocket(uv_loop_t* loop, UniqueFd fd, std::string path, Callbacks callbacks);
    bool accept_one();
    void adopt(UniqueFd fd);
    void make_room();
    bool read_one(Connection& connection);
    void read(Connection& connection);
    void interpret(const Connection& connection, std::string_view line);
    bool may_be_acknowledged(pid_t claimed) const;
    void complain(const std::string& what);
    void close(const Connection& connection);

    uv_loop_t* loop_;
    UniqueFd fd_;
    std::string path_;
    Callbacks callbacks_;
    std::unique_ptr<PacedPoll> poll_;
    uv::Timer retry_;                    // while there is no descriptor to accept with
    std::list<Connection> connections_;  // the oldest first
    pid_t worker_ = 0;
    Hearing* hearing_ = nullptr;  // nobody is heard before the worker is there
    bool complained_ = false;
};

}  // namespace sup
