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
    // The end, at once.
    void drop();
    // Nothing more will come from it or go to it: broken, hung up, or at its end with nobody waiting.
    bool ended() const noexcept;

    bool subscribed = false;  // gets every event
    int waiting = 0;          // calls of its that were not answered yet; gets every event while there are any
    bool wants_events() const noexcept { return subscribed || waiting > 0; }

private:
    Connection(UniqueFd socket, OnLine on_line, OnChange on_change);

    void on_poll(int events);
    void read_some();
    void deliver_lines();
    void write_some();
    void watch();
    bool may_read() const noexcept;

    UniqueFd socket_;
    uv::Poll watch_;  // after the socket: destroyed first
    OnLine on_line_;
    OnChange on_change_;
    std::string input_;
    std::string output_;
    std::size_t written_ = 0;  // of output_
    bool end_of_input_ = false;
    bool broken_ = false;
};

}  // namespace sup::control
