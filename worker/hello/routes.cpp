#include "worker/hello/routes.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "common/uv.h"

namespace sup::hello {
namespace {

constexpr std::uint64_t echo_limit = 64ULL * 1024 * 1024;
constexpr std::uint64_t most_milliseconds = 24ULL * 3600 * 1000;
constexpr std::uint64_t most_chunks = 1'000'000'000;

// The number that the query gives for `name`; nothing when it is not one, or above `most`.
std::optional<std::uint64_t> query_number(const http::Request& request, std::string_view name,
                                          std::uint64_t missing, std::uint64_t most) {
    const auto text = request.query_value(name);
    if (!text) return missing;
    std::uint64_t value = 0;
    const auto [rest, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (problem != std::errc{} || rest != text->data() + text->size() || value > most) return std::nullopt;
    return value;
}

// A streamed answer in the making: one chunk every so often, or as fast as the client takes them.
struct Stream {
    uv::Timer timer;
    http::Response response;
    std::uint64_t next = 1;
    std::uint64_t count = 0;
    Duration pause{0};
};

void step(const std::shared_ptr<Stream>& stream) {
    bool room = true;
    while (room && stream->next <= stream->count && stream->response.open()) {
        room = stream->response.write("chunk " + std::to_string(stream->next++) + "\n");
        if (stream->pause.count() > 0) break;
    }
    if (stream->next > stream->count || !stream->response.open()) {
        stream->timer = {};
        stream->response.end();
        return;
    }
    if (room && stream->pause.count() > 0) return stream->timer.arm(stream->pause);
    stream->response.on_writable([stream](http::Response&) {
        if (stream->pause.count() > 0) return stream->timer.arm(stream->pause);
        step(stream);
    });
}

}  // namespace

struct Routes::Route {
    std::string_view path;
    bool posts;  // takes POST, and not GET and HEAD
    void (Routes::*answer)(http::Request&, http::Response);

    bool takes(http::Method method) const {
        if (posts) return method == http::Method::post;
        return method == http::Method::get || method == http::Method::head;
    }
};

const std::array<Routes::Route, 6> Routes::table{{
    {"/", false, &Routes::hello},
    {"/sleep", false, &Routes::sleep},
    {"/echo", true, &Routes::echo},
    {"/stream", false, &Routes::stream},
    {"/file", false, &Routes::file},
    {"/healthz", false, &Routes::health},
}};

Routes::Routes(uv_loop_s* loop, Identity identity) : loop_(loop), identity_(std::move(identity)) {}

void Routes::operator()(http::Request& request, http::Response response) {
    if (request.method() == http::Method::other) {
        response.send(501, "method not known\n");
        return;
    }
    for (const Route& route : table) {
        if (route.path != request.path()) continue;
        if (route.takes(request.method())) return (this->*route.answer)(request, std::move(response));
        response.header("Allow", route.posts ? "POST" : "GET, HEAD");
        response.send(405, "method not allowed\n");
        return;
    }
    response.send(404, "not found\n");
}

void Routes::hello(http::Request&, http::Response response) {
    greet(std::move(response));
}

void Routes::greet(http::Response response) {
    const int parent = ::getppid();
    if (parent != parent_) {
        parent_ = parent;
        greeting_ = "hello world from pid:" + std::to_string(::getpid()) +
                    ", ppid: " + std::to_string(parent) +
                    ", generation: " + std::to_string(identity_.generation) +
                    ", version: " + identity_.version + "\n";
    }
    response.send(200, greeting_);
}

void Routes::sleep(http::Request& request, http::Response response) {
    const auto milliseconds = query_number(request, "ms", 0, most_milliseconds);
    if (!milliseconds) {
        response.send(400, "ms must be a number of milliseconds, at most a day\n");
        return;
    }
    // The timer owns what it will call, and goes when it has fired or the client has gone.
    auto timer = std::make_shared<uv::Timer>();
    *timer = uv::Timer(loop_, [this, timer, response] {
        greet(response);
        *timer = {};
    });
    timer->arm(Duration{*milliseconds});
    response.on_gone([timer] { *timer = {}; });
}

void Routes::stream(http::Request& request, http::Response response) {
    const auto chunks = query_number(request, "chunks", 10, most_chunks);
    const auto milliseconds = query_number(request, "ms", 0, most_milliseconds);
    if (!chunks || !milliseconds) {
        response.send(400, "chunks and ms must be numbers\n");
        return;
    }
    response.start(200);
    if (!response.open()) return;  // HEAD
    auto stream = std::make_shared<Stream>(Stream{{}, response, 1, *chunks, Duration{*milliseconds}});
    stream->timer = uv::Timer(loop_, [stream] { step(stream); });
    response.on_gone([stream] { stream->timer = {}; });
    step(stream);
}

void Routes::file(http::Request&, http::Response response) {
    const int descriptor = identity_.file.empty() ? -1 : ::open(identity_.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        response.send(404, "no file here (--file)\n");
        return;
    }
    response.send_file(descriptor);
}

void Routes::health(http::Request&, http::Response response) {
    response.send(200, "ok\n");
}

void Routes::echo(http::Request& request, http::Response response) {
    const auto type = request.header("Content-Type").value_or("application/octet-stream");
    request.read_body(echo_limit, [](std::string_view piece, bool last, http::Response& answer) {
        if (last) {
            answer.end();
            return;
        }
        answer.write(piece);
    });
    const auto length = request.has_body() ? request.content_length() : std::optional<std::uint64_t>{0};
    response.start(200, length, type);
}

}  // namespace sup::hello
