// One WebSocket (RFC 6455) on a connection: whole messages in, messages out. wslay does the framing; this
// gives it whole frames only, so that what is left between two of them can travel to another worker.
#pragma once

#include <wslay/wslay.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sup/connections.h"

namespace examples {

class WebSocket {
public:
    using Received = std::function<void(std::string_view message)>;

    explicit WebSocket(sup::worker::Connection connection);
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    // `received` gets each text message.
    void on_message(Received received) { callback_ = std::move(received); }
    sup::worker::Connection& connection() { return connection_; }

    // Sends what is to be sent; once nothing of it is left, takes what the client has sent, and answers that.
    // False: the session is over.
    bool serve();
    // Within serve(), which sends it.
    void send(std::string_view message);
    // Says goodbye (1001, going away); serve() continues until the client has answered.
    void close();

    // Neither half a message received nor anything unsent: with unread() it can continue in another worker.
    bool between_messages() const;
    std::string_view unread() const { return received_; }
    bool has_unsent() const { return wslay_event_want_write(context_.get()) != 0; }

private:
    struct Free {
        void operator()(wslay_event_context* context) const { wslay_event_context_free(context); }
    };

    static ssize_t take(wslay_event_context_ptr context, std::uint8_t* to, std::size_t size, int flags,
                        void* self);
    static ssize_t put(wslay_event_context_ptr context, const std::uint8_t* bytes, std::size_t size,
                       int flags, void* self);
    static void message(wslay_event_context_ptr context, const wslay_event_on_msg_recv_arg* message,
                        void* self);

    bool read_socket();
    bool feed_whole_frames();

    sup::worker::Connection connection_;
    Received callback_;
    std::string received_;     // from the client, and not given to wslay yet
    std::size_t fed_ = 0;      // how much of it wslay may have now
    bool in_message_ = false;  // a fragment came, and not yet the last one
    std::unique_ptr<wslay_event_context, Free> context_;
};

}  // namespace examples
