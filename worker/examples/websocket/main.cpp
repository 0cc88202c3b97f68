// WebSockets that survive reloads: each message comes back with the number of messages so far, which
// travels with the session from one generation's worker to the next.
//
//     GET /         a page that talks to it
//     GET /socket   the WebSocket: {"count":3,"generation":2,"text":"hello"}
#include <nettle/base64.h>
#include <nettle/sha1.h>

#include <array>
#include <charconv>
#include <list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "sup/connections.h"
#include "sup/http/server.h"
#include "sup/worker.h"
#include "worker/examples/watch.h"
#include "worker/examples/websocket/session.h"

namespace {

constexpr std::string_view page = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>WebSocket</title>
<form id="form"><label>Say something: <input id="text" autofocus></label> <button>Send</button></form>
<p>Messages: <output id="count">0</output>, generation: <output id="generation">–</output>,
   sockets opened: <output id="opened">0</output></p>
<ol id="log"></ol>
<script>
  const by = (id) => document.getElementById(id);
  let socket;
  const open = () => {
    socket = new WebSocket("ws://" + location.host + "/socket");
    socket.onopen = () => { by("opened").value = +by("opened").value + 1; };
    socket.onclose = () => setTimeout(open, 200);
    socket.onmessage = (event) => {
      const answer = JSON.parse(event.data);
      by("count").value = answer.count;
      by("generation").value = answer.generation;
      const line = document.createElement("li");
      line.textContent = answer.text;
      by("log").append(line);
    };
  };
  by("form").onsubmit = (event) => {
    event.preventDefault();
    socket.send(by("text").value);
    by("text").value = "";
  };
  open();
</script>
)";

// What the client must find in the answer to its key (RFC 6455, 4.2.2).
std::string accept_key(std::string_view key) {
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    sha1_ctx hash;
    sha1_init(&hash);
    sha1_update(&hash, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
    std::array<std::uint8_t, SHA1_DIGEST_SIZE> digest{};
    sha1_digest(&hash, digest.size(), digest.data());
    std::string encoded(BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE), '\0');
    base64_encode_raw(encoded.data(), digest.size(), digest.data());
    return encoded;
}

class Sockets {
public:
    // Its connections come from an upgrade or from another worker, not from a listener.
    explicit Sockets(sup::worker::Worker& worker)
        : worker_(worker),
          connections_(worker, {.protocol = "example-websocket", .writes = 1, .reads = {1}},
                       {.arrived = [this](sup::worker::Connection arrived) { join(std::move(arrived)); },
                        .move = [this] { move_all(); },
                        .end_idle = [this] { end_all(); },
                        .end_all = [this](std::chrono::milliseconds) { end_all(); },
                        .spare = [this](std::size_t count) { put_back(count); }},
                       sup::worker::ListenerChoice::none()) {}

    sup::worker::Connections& connections() { return connections_; }

private:
    struct Session {
        Session(sup::worker::Connection connection, unsigned long counted)
            : socket(std::move(connection)), count(counted) {}

        examples::WebSocket socket;
        unsigned long count;
        examples::Watch watch;  // ends before the socket does
    };
    using Place = std::list<Session>::iterator;

    void join(sup::worker::Connection arrived) {
        const std::string state = arrived.take_state();
        unsigned long count = 0;
        std::from_chars(state.data(), state.data() + state.size(), count);
        const Place place = sessions_.emplace(sessions_.end(), std::move(arrived), count);
        place->socket.on_message([this, place](std::string_view text) { answer(*place, text); });
        watch(place);
        serve(place);  // what came with it may be whole already
    }

    void answer(Session& session, std::string_view text) {
        const nlohmann::json answer{
            {"count", ++session.count}, {"generation", worker_.generation()}, {"text", text}};
        session.socket.send(answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }

    void watch(Place place) {
        place->watch = examples::Watch(worker_.loop(), place->socket.connection().socket(),
                                       [this, place] { serve(place); });
        wait(*place);
    }

    // Who does not take the answers is not read from, so that they do not pile up.
    static void wait(Session& session) {
        using Wait = examples::Watch::Wait;
        session.watch.wait_for(session.socket.has_unsent() ? Wait::room : Wait::input);
    }

    void serve(Place place) {
        if (!place->socket.serve()) return void(sessions_.erase(place));
        wait(*place);
        if (worker_.draining()) move(place);
    }

    void move_all() {
        for (Place next = sessions_.begin(); next != sessions_.end();) move(next++);
    }

    // In the middle of a message it stays until that has ended.
    void move(Place place) {
        if (!place->socket.between_messages()) return;
        place->watch = {};
        const auto outcome =
            place->socket.connection().hand_over(place->socket.unread(), std::to_string(place->count));
        if (outcome == sup::worker::HandOver::done) return void(sessions_.erase(place));
        watch(place);
        if (outcome != sup::worker::HandOver::impossible) return;
        place->socket.close();
        wait(*place);
    }

    void put_back(std::size_t count) {
        for (Place next = sessions_.begin(); next != sessions_.end() && count > 0;) {
            const Place place = next++;
            if (!place->socket.between_messages()) continue;
            place->watch = {};
            if (place->socket.connection().put_back(place->socket.unread(), std::to_string(place->count))) {
                sessions_.erase(place);
                --count;
            } else {
                watch(place);
            }
        }
    }

    void end_all() {
        for (Session& session : sessions_) {
            session.socket.close();
            wait(session);
        }
    }

    sup::worker::Worker& worker_;
    std::list<Session> sessions_;
    sup::worker::Connections connections_;
};

class Routes {
public:
    explicit Routes(Sockets& sockets) : sockets_(sockets) {}

    void operator()(sup::http::Request& request, sup::http::Response response) {
        if (request.path() == "/") return void(response.send(200, page, "text/html; charset=utf-8"));
        if (request.path() != "/socket") return void(response.send(404, "not here\n"));
        const auto key = request.header("Sec-WebSocket-Key");
        if (!key || request.header("Sec-WebSocket-Version") != "13") {
            response.header("Sec-WebSocket-Version", "13");
            return void(response.send(426, "this is a WebSocket\n"));
        }
        response.header("Sec-WebSocket-Accept", accept_key(*key));
        if (!response.upgrade("websocket", sockets_.connections()))
            response.send(400, "this is a WebSocket\n");
    }

private:
    Sockets& sockets_;
};

}  // namespace

int main() {
    sup::worker::Worker worker({.listen = {"127.0.0.1:8080"}});
    Sockets sockets(worker);
    sup::http::Server server(worker, Routes(sockets));
    return worker.run();
}
