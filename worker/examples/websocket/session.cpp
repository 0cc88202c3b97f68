#include "worker/examples/websocket/session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace examples {
namespace {

constexpr std::size_t longest_message = 64 * 1024;

struct Frame {
    std::size_t size = 0;
    bool last = false;     // of its message
    bool control = false;  // may come between the fragments of a message
};

// The frame that begins here (RFC 6455, 5.2), once its header is complete.
std::optional<Frame> frame_at(std::string_view bytes) {
    const auto byte = [bytes](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
    if (bytes.size() < 2) return std::nullopt;
    const std::size_t short_length = byte(1) & 0x7FU;
    const std::size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    const std::size_t header = 2 + length_bytes + ((byte(1) & 0x80U) != 0 ? 4 : 0);
    if (bytes.size() < header) return std::nullopt;
    std::uint64_t length = length_bytes == 0 ? short_length : 0;
    for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8U | byte(2 + i);
    // Longer ones are refused by wslay when it sees the header; so it gets what is there.
    const std::uint64_t payload = std::min<std::uint64_t>(length, longest_message + 1);
    return Frame{header + static_cast<std::size_t>(payload), (byte(0) & 0x80U) != 0, (byte(0) & 0x08U) != 0};
}

}  // namespace

WebSocket::WebSocket(sup::worker::Connection connection)
    : connection_(std::move(connection)), received_(connection_.take_unread()) {
    const wslay_event_callbacks callbacks{take, put, nullptr, nullptr, nullptr, nullptr, message};
    wslay_event_context* context = nullptr;
    if (wslay_event_context_server_init(&context, &callbacks, this) != 0) throw std::bad_alloc();
    context_.reset(context);
    wslay_event_config_set_max_recv_msg_length(context, longest_message);
}

ssize_t WebSocket::take(wslay_event_context_ptr context, std::uint8_t* to, std::size_t size, int,
                        void* self) {
    WebSocket& me = *static_cast<WebSocket*>(self);
    const std::size_t count = std::min(size, me.fed_);
    if (count == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    std::copy_n(me.received_.begin(), count, to);
    me.received_.erase(0, count);
    me.fed_ -= count;
    return static_cast<ssize_t>(count);
}

ssize_t WebSocket::put(wslay_event_context_ptr context, const std::uint8_t* bytes, std::size_t size, int,
                       void* self) {
    const WebSocket& me = *static_cast<WebSocket*>(self);
    const ssize_t count = ::send(me.connection_.socket(), bytes, size, MSG_NOSIGNAL);
    if (count >= 0) return count;
    const bool later = errno == EAGAIN || errno == EINTR;
    wslay_event_set_error(context, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

void WebSocket::message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message, void* self) {
    if (message->opcode != WSLAY_TEXT_FRAME) return;
    WebSocket& me = *static_cast<WebSocket*>(self);
    me.connection_.answered();
    me.callback_({reinterpret_cast<const char*>(message->msg), message->msg_length});
}

bool WebSocket::serve() {
    if (!has_unsent() && (!read_socket() || !feed_whole_frames())) return false;
    if (wslay_event_send(context_.get()) != 0) return false;
    return wslay_event_want_read(context_.get()) != 0 || wslay_event_want_write(context_.get()) != 0;
}

bool WebSocket::read_socket() {
    std::array<char, 16 * 1024> bytes;
    const ssize_t count = ::recv(connection_.socket(), bytes.data(), bytes.size(), 0);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    received_.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return count > 0;
}

bool WebSocket::feed_whole_frames() {
    std::size_t whole = 0;
    for (auto frame = frame_at(received_); frame && whole + frame->size <= received_.size();
         frame = frame_at(std::string_view(received_).substr(whole))) {
        whole += frame->size;
        if (!frame->control) in_message_ = !frame->last;
    }
    fed_ = whole;
    return whole == 0 || wslay_event_recv(context_.get()) == 0;
}

void WebSocket::send(std::string_view message) {
    const wslay_event_msg text{WSLAY_TEXT_FRAME, reinterpret_cast<const std::uint8_t*>(message.data()),
                               message.size()};
    wslay_event_queue_msg(context_.get(), &text);
}

void WebSocket::close() {
    wslay_event_queue_close(context_.get(), WSLAY_CODE_GOING_AWAY, nullptr, 0);
    wslay_event_send(context_.get());
}

bool WebSocket::between_messages() const {
    return !in_message_ && !has_unsent() && wslay_event_get_close_sent(context_.get()) == 0 &&
           wslay_event_get_close_received(context_.get()) == 0;
}

}  // namespace examples
