// One request and its answer. Pooled: an exchange serves many requests, one after the other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sup/http/request.h"
#include "sup/http/response.h"
#include "worker/http/body_file.h"
#include "worker/http/home.h"
#include "worker/http/kept_head.h"
#include "worker/http/parser.h"
#include "worker/http/takeover.h"

namespace sup::http {

class Protocol;

class Exchange {
public:
    enum class Reading { head, body, complete };
    enum class Answering {
        nothing,
        streaming,
        complete,
        refused,  // answered by the library in the handler's place
    };
    enum class Framing { none, length, chunked, until_close };
    enum class Flow { runs, paused };
    // 100 Continue: whether the client waits for it before it sends the body.
    enum class GoAhead { not_awaited, awaited, given };
    // Whether anything was written or has left, since on_writable was last called, or was set elsewhere.
    enum class Room { same, changed };
    // What becomes of the connection once the answer is complete.
    enum class After { keep, close };

    const std::shared_ptr<Home> home;

    // Null once the client has gone or the exchange is over: handles that are left then do nothing.
    Protocol* protocol = nullptr;
    // Its protocol's, and one for each Response. The last one to go deletes it or gives it back.
    unsigned references = 1;

    Reading reading = Reading::head;
    Parser parser;
    KeptHead head;  // what the parser's ranges are of, once the head is complete
    Request request{*this};
    Request::BodyReader reader;
    std::optional<std::uint64_t> body_limit;  // once the handler has asked for the body
    std::uint64_t body_received = 0;
    Flow flow = Flow::runs;       // of the body, as the handler wants it …
    Flow file_flow = Flow::runs;  // … and as the file does that it is saved to
    GoAhead go_ahead = GoAhead::not_awaited;

    Answering answering = Answering::nothing;
    Framing framing = Framing::none;
    std::uint64_t length_left = 0;  // with Framing::length
    After after = After::keep;      // what was asked for, until the answer's head is written
    std::string headers;            // those that the handler added …
    bool typed = false;             // … with the Content-Type among them
    std::function<void(Response&)> writable;
    Room room = Room::changed;
    std::function<void()> gone;
    Takeover takeover;  // of whom the connection is once the answer has left, if it was an upgrade
    std::function<void(Response&)> half_closed;
    std::function<void(Response&, const worker::Drain&)> draining;

    // For who asks, and for the log of what is finished.
    std::string_view listener;                        // its name outlives the worker's services
    std::optional<Peer> peer;                         // once asked for
    int status = 0;                                   // of the answer, once begun
    std::uint64_t written = 0;                        // of its body
    std::chrono::steady_clock::time_point began;      // only with Options::on_finished
    std::shared_ptr<std::atomic<bool>> nobody_waits;  // of a Reply, if there is one
    std::shared_ptr<std::atomic<Saving>> saving;      // of the body, if it is saved

    // An answer was begun that may have no body.
    bool bodiless() const { return answering == Answering::streaming && framing == Framing::none; }
    explicit Exchange(std::shared_ptr<Home> server) : home(std::move(server)) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // Ready for the next request of `owner`.
    void begin(Protocol& owner, const ParserLimits& limits);
    void forget_headers();
    const Peer& ask_peer();
    std::string_view text(Range range) const { return range.in(head.bytes()); }
    // Nobody takes any of the body now. Once answered, what is left of it is read away, or saved still.
    bool body_waits() const {
        const bool answered = answering == Answering::complete;
        if (reader == nullptr) return !answered;
        return file_flow == Flow::paused || (flow == Flow::paused && !answered);
    }
    // For other threads: true once nobody waits for the answer any more.
    std::shared_ptr<std::atomic<bool>> share_gone();
    // The same for the file that the body goes to.
    std::shared_ptr<const std::atomic<Saving>> share_saving();
    // Somebody may still answer: a copy of the response, or a callback that will be given one.
    bool awaited() const { return references > 1 || reader != nullptr || writable != nullptr; }
};

}  // namespace sup::http
