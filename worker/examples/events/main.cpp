// Server-sent events: a page that shows the time as it passes. An event stream never ends by itself, so it
// must be told about the drain: it then ends cleanly, at once, and the browser reconnects and is served by
// the next generation, from the last event that it saw.
//
//     GET /         the page
//     GET /events   id: 1763990000\ndata: {"generation":3,"time":"12:30:01"}\n\n …
#include <uv.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sup/http/server.h"
#include "sup/worker.h"

namespace {

constexpr std::string_view page = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Events</title>
<h1 id="time">…</h1><p>Generation <span id="generation">…</span></p>
<script>
  new EventSource("/events").onmessage = (event) => {
    const tick = JSON.parse(event.data);
    document.getElementById("time").textContent = tick.time;
    document.getElementById("generation").textContent = tick.generation;
  };
</script>
)";

// At most how many events a client that was away for a moment is sent afterwards.
constexpr std::time_t most_missed = 60;

std::string event(std::time_t second, unsigned generation) {
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    char time[16];
    std::strftime(time, sizeof time, "%H:%M:%S", &parts);
    return "id: " + std::to_string(second) + "\ndata: {\"generation\":" + std::to_string(generation) +
           ",\"time\":\"" + time + "\"}\n\n";
}

// A timer that runs until it is destroyed. libuv needs its memory for one more turn of the loop.
class Ticker {
public:
    Ticker(uv_loop_t* loop, std::uint64_t milliseconds, std::function<void()> tick)
        : state_(std::make_unique<State>()) {
        state_->tick = std::move(tick);
        uv_timer_init(loop, &state_->timer);
        state_->timer.data = state_.get();
        const auto call = [](uv_timer_t* timer) { static_cast<State*>(timer->data)->tick(); };
        uv_timer_start(&state_->timer, call, milliseconds, milliseconds);
    }

private:
    struct State {
        uv_timer_t timer{};
        std::function<void()> tick;
    };
    struct Close {
        void operator()(State* state) const {
            uv_close(reinterpret_cast<uv_handle_t*>(&state->timer),
                     [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
        }
    };
    struct Owner : std::unique_ptr<State, Close> {
        explicit Owner(std::unique_ptr<State> state) : std::unique_ptr<State, Close>(state.release()) {}
    };
    Owner state_;
};

class Clock {
public:
    explicit Clock(sup::worker::Worker& worker)
        : worker_(worker), ticker_(worker.loop(), 1'000, [this] { tick(); }) {}

    void operator()(sup::http::Request& request, sup::http::Response response) {
        if (request.path() == "/") return void(response.send(200, page, "text/html; charset=utf-8"));
        if (request.path() != "/events") return void(response.send(404, "not here\n"));
        const std::time_t seen = last_seen(request);
        response.header("Cache-Control", "no-store");
        response.start(200, std::nullopt, "text/event-stream");
        // Tells the browser how soon to reconnect when the stream ends.
        response.write("retry: 100\n\n");
        const std::time_t now = std::time(nullptr);
        for (std::time_t missed = std::max(seen + 1, now - most_missed); seen > 0 && missed <= now; ++missed)
            response.write(event(missed, worker_.generation()));
        if (response.open()) open_stream(std::move(response));
    }

private:
    static std::time_t last_seen(const sup::http::Request& request) {
        const std::string_view text = request.header("Last-Event-ID").value_or("");
        std::time_t second = 0;
        std::from_chars(text.data(), text.data() + text.size(), second);
        return second;
    }

    void open_stream(sup::http::Response response) {
        const auto stream = streams_.insert(streams_.end(), {response, true});
        response.on_gone([this, stream] { streams_.erase(stream); });
        response.on_drain([this, stream](sup::http::Response& open, const sup::worker::Drain&) {
            open.end();
            streams_.erase(stream);
        });
    }

    // A client that does not keep up misses some seconds, but costs no memory.
    void tick() {
        const std::string now = event(std::time(nullptr), worker_.generation());
        for (auto next = streams_.begin(); next != streams_.end();) {
            Stream& stream = *next++;  // the client may turn out to have gone, and its stream with it
            if (!stream.keeps_up) continue;
            stream.keeps_up = false;
            stream.response.on_writable([&stream](sup::http::Response&) { stream.keeps_up = true; });
            stream.response.write(now);
        }
    }

    struct Stream {
        sup::http::Response response;
        bool keeps_up;
    };

    sup::worker::Worker& worker_;
    std::list<Stream> streams_;
    Ticker ticker_;
};

}  // namespace

int main() {
    sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});
    Clock clock(worker);
    sup::http::Server server(worker, std::ref(clock));
    return worker.run();
}
