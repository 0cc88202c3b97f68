// A connection's protocol without a socket: what a client would send goes in, what it would receive comes
// out.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "worker/http/protocol.h"

namespace sup::test {

class Wire : private http::Protocol::Host {
public:
    explicit Wire(http::Handler handler, http::Options options = {})
        : context(std::move(handler), std::move(options)),
          protocol(context, static_cast<http::Protocol::Host&>(*this)) {}

    // Sends, and returns what comes back at once.
    std::string give(std::string_view bytes) {
        protocol.receive(bytes);
        return take();
    }

    // The loop's next turn. Returns whether there was anything to go on with.
    bool turn() {
        if (!std::exchange(scheduled_, false)) return false;
        protocol.go_on();
        return true;
    }

    // Everything there is to receive by now.
    std::string take() {
        turn();
        while (!protocol.output().empty() || protocol.wants_room()) {
            received_.append(protocol.output());
            protocol.sent(protocol.output().size());
            if (protocol.wants_room()) protocol.room();
        }
        return std::exchange(received_, {});
    }

    http::Context context;
    http::Protocol protocol;
    std::size_t sends_now = 0;  // how much of a large piece the pretended socket takes at once

private:
    void schedule() override { scheduled_ = true; }
    std::size_t send_now(std::string_view first, std::string_view second, std::string_view third) override {
        const std::string all = std::string(first).append(second).append(third);
        received_.append(all, 0, sends_now);
        return std::min(sends_now, all.size());
    }

    std::string received_;
    bool scheduled_ = false;
};

// "GET TARGET HTTP/1.1" with a Host and whatever else.
inline std::string get(const std::string& target, const std::string& headers = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}

// The same bytes for every run: without the Date's value.
inline std::string undated(std::string text) {
    for (std::size_t at = text.find("Date: "); at != std::string::npos; at = text.find("Date: ", at + 1)) {
        text.erase(at + 6, text.find('\r', at) - at - 6);
    }
    return text;
}

inline std::string answer(int status, const std::string& reason, const std::string& headers,
                          const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " " + reason +
           "\r\nDate: \r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + headers + "\r\n" + body;
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace sup::test
