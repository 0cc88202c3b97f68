// One client of the control socket: lines in, lines out, never blocking. Belongs to the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/control/line_stream.h"

namespace sup::control {

class Connection : public std::enable_shared_from_this<Connection> {
public:
    // For each line that came, without its newline. A line longer than a request may be arrives cut off, and
    // is the last.
    using OnLine = std::function<void(Connection&, std::string_view line)>;
    // After anything happened that may have ended the connection.
    using OnChange = std::function<void(Connection&)>;

    static Result<std::shared_ptr<Connection>> create(uv_loop_t* loop, UniqueFd socket, OnLine on_line,
                                                      OnChange on_change);

    // Writes what the socket takes now and keeps the rest. Does nothing once the connection has ended.
    void send(std::string_view line);
    // What was sent and not yet taken.
    std::size_t unread_bytes() const noexcept { return output_.size() - written_; }
    // Waits for the client to take what was sent.
    void flush(const Deadline& deadline);
    // Does now what the loop would do soon: takes the requests that have come, and notices a hang-up.
    void look();
    // The end, at once.
    void drop();
    // Nothing more will come from it or go to it: broken, hung up, or at its end with nobody waiting.
    bool ended() const noexcept;

    // Around each call of its that is not done at once. No further requests are taken from a client that has
    // many open; with `answered` it waits for this one.
    void begin_call(bool answered);
    void end_call(bool answered);
    bool waits() const noexcept { return waiting_ > 0; }
    int descriptor() const noexcept { return socket_.get(); }

    bool subscribed = false;
    bool wants_events() const noexcept { return subscribed || waits(); }

private:
    Connection(UniqueFd socket, OnLine on_line, OnChange on_change);

    void on_poll(int events);
    void read_some();
    void deliver_lines();
    void write_some();
    void watch();
    bool may_read() const noexcept;
    bool hung_up() const noexcept;

    UniqueFd socket_;
    uv::Poll watch_;  // after the socket: destroyed first
    OnLine on_line_;
    OnChange on_change_;
    std::string input_;
    std::string output_;
    std::size_t written_ = 0;  // of output_
    int open_calls_ = 0;
    int waiting_ = 0;         // of the open calls, those with an answer
    bool held_back_ = false;  // input_ may have lines that were not taken
    bool end_of_input_ = false;
    bool broken_ = false;
};

}  // namespace sup::control
