// Whatever a client sends, and however it is cut into packets: the HTTP server's protocol neither breaks nor
// keeps more than it promises, what it answers does not depend on the cuts, and a handler never sees a
// request that a strict reader of the same bytes does not see.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/http_reference.h"
#include "tests/fuzz/require.h"
#include "tests/unit/worker/wire.h"

namespace {

using sup::http::Request;
using sup::http::Response;
using sup::test::Wire;

// The target's first letter chooses how the request is handled.
class Handling {
public:
    void operator()(Request& request, Response response) {
        touch(request);
        seen_.push_back({std::string(request.method_name()), std::string(request.target()), ""});
        switch (request.path().size() > 1 ? request.path()[1] : ' ') {
            case 'e': return echo(request, std::move(response));
            case 'd': deferred_ = std::move(response); return;
            case 's': return stream(request, std::move(response));
            case 'n': return;
            case 'b': return request.read_body(100, [](std::string_view, bool, Response&) {});
            default: response.send(200, request.target());
        }
    }

    const std::vector<sup::test::SeenRequest>& seen() const { return seen_; }

    bool answer_deferred() {
        if (!deferred_) return false;
        auto response = std::move(*deferred_);
        deferred_.reset();
        response.send(200, "deferred");
        return true;
    }

private:
    static void touch(const Request& request) {
        std::size_t bytes = request.query_value("q").value_or("").size() + request.method_name().size();
        for (std::size_t i = 0; i < request.header_count(); ++i) {
            bytes += request.header_name(i).size() + request.header_value(i).size();
            require(request.header(request.header_name(i)).has_value(), "a header is found by its name");
            require(request.header_value(i).find_first_of("\r\n") == std::string_view::npos,
                    "a value is one line");
        }
        require(bytes < 64 * 1024, "a head is bounded");
    }

    // By length the body streams back; in chunks it is collected, as chunks follow the pieces it comes in.
    void echo(Request& request, Response response) {
        if (!request.content_length() && request.has_body()) {
            return request.read_body(1000, [this](std::string_view piece, bool last, Response& out) {
                seen_.back().body += piece;
                if (last) out.send(200, seen_.back().body);
            });
        }
        request.read_body(1000, [this](std::string_view piece, bool last, Response& out) {
            seen_.back().body += piece;
            if (last) {
                out.end();
                return;
            }
            out.write(piece);
        });
        response.start(200, request.content_length());
    }

    static void stream(Request& request, Response response) {
        response.start(200);
        response.write(request.target());
        response.on_writable([](Response& again) { again.end(); });
    }

    std::optional<Response> deferred_;
    std::vector<sup::test::SeenRequest> seen_;  // with the bodies that were read
};

// What was served is among what a strict reader sees, in order.
void compare(const std::vector<sup::test::SeenRequest>& served, std::string_view bytes) {
    const sup::test::StrictReader reader(bytes);
    require(served.size() <= reader.requests().size(), "no request is seen where there is none");
    for (std::size_t i = 0; i < served.size(); ++i) {
        const sup::test::SeenRequest& strict = reader.requests()[i];
        require(served[i].method == strict.method, "a method is what it was sent as");
        require(served[i].target == strict.target, "a target is what it was sent as");
        require(strict.body.rfind(served[i].body, 0) == 0, "a body holds nothing but itself");
    }
}

sup::http::Options small_limits() {
    sup::http::Options options;
    options.max_head_bytes = 512;
    options.max_headers = 8;
    options.output_high_water = 4096;
    return options;
}

// Sends in pieces of `step` bytes, and returns all that comes back.
std::string answers(std::string_view bytes, std::size_t step, bool ends) {
    Handling handling;
    Wire wire([&handling](Request& request, Response response) { handling(request, std::move(response)); },
              small_limits());
    std::string all;
    const auto settle = [&] {
        do {
            all += wire.take();
        } while (handling.answer_deferred());
        all += wire.take();
    };
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        wire.protocol.receive(bytes.substr(at, step));
        settle();
        require(wire.protocol.unconsumed().size() <= 512 + step, "no more is kept than half a head");
        require(wire.protocol.finished() || wire.protocol.wants_input(), "the connection goes on or is over");
    }
    if (ends) {
        wire.protocol.receive_end();
        settle();
        require(wire.protocol.finished(), "the end of the client's side is the connection's");
    }
    compare(handling.seen(), bytes);
    return sup::test::undated(std::move(all));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(data, data + std::min<std::size_t>(size, 4096));
    const std::string whole = answers(bytes, std::max<std::size_t>(bytes.size(), 1), true);
    require(whole.empty() || whole.rfind("HTTP/1.1 ", 0) == 0, "what is answered is HTTP");
    require(answers(bytes, 1, true) == whole, "bytes that come one by one mean the same");
    require(answers(bytes, 7, true) == whole, "bytes that come in sevens mean the same");
    const std::size_t other = 2 + bytes.size() % 61;
    require(answers(bytes, other, true) == whole, "bytes that come in other pieces mean the same");
    answers(bytes, std::max<std::size_t>(bytes.size(), 1), false);
    return 0;
}
