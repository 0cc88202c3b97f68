// What the load generator is asked to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/bench/load/clock.h"

namespace sup::bench {

enum class Mode {
    fresh,      // a new connection for each request, which asks the server to close it
    keepalive,  // each client asks over and over on its one connection
    idle,       // each client connects and asks once, waits, and asks once more at the end
};

struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
    std::string path = "/";
    Mode mode = Mode::keepalive;
    std::size_t clients = 64;
    Span think{0};         // between an answer and the client's next request
    Span duration{0};      // no new request after this; idle: ask again after this, when not told before
    Span timeout{0};       // for one request, connecting included
    Span slice{0};         // width of one point of the series
    std::size_t body = 0;  // more than 0: POST so many bytes
    bool echo = false;     // the answer's body must be the request's
};

// Prints help or what is wrong and ends the process when the arguments do not say what to do.
Options parse_options(int argc, char** argv);

// The bytes of a request's body.
std::string request_body(const Options& options);
// The whole request, body included.
std::string request_bytes(const Options& options);

const char* to_string(Mode mode) noexcept;

}  // namespace sup::bench
