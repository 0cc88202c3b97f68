// The configuration as plain values, validated: what the rest of the program works with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/duration.h"
#include "config/template.h"

namespace sup::config {

// Where a listener binds. Unix and UDP sockets are not part of this version.
struct TcpAddress {
    std::string host;        // a literal IPv4 or IPv6 address, or "*" for every address, IPv6 and IPv4
    std::uint16_t port = 0;  // 0: the kernel chooses, once; reloads keep what it chose

    friend bool operator==(const TcpAddress&, const TcpAddress&) = default;
};

// "127.0.0.1:80", "[::1]:80", "*:80": the notation of the configuration.
std::string to_string(const TcpAddress& address);

struct Listen {
    std::string name;
    TcpAddress address;
    int backlog = 4096;
    bool nonblock = false;

    friend bool operator==(const Listen&, const Listen&) = default;
};

// Ready when the worker says READY=1.
struct ReadyByNotify {
    friend bool operator==(const ReadyByNotify&, const ReadyByNotify&) = default;
};
// Ready when it has lived this long.
struct ReadyAfter {
    Duration delay;
    friend bool operator==(const ReadyAfter&, const ReadyAfter&) = default;
};
// Ready when it has acknowledged its start to EINHORN_SOCK_PATH.
struct ReadyByAck {
    friend bool operator==(const ReadyByAck&, const ReadyByAck&) = default;
};
// Ready when it has written a newline to this descriptor, the write end of a pipe.
struct ReadyByNewline {
    int fd = 3;
    friend bool operator==(const ReadyByNewline&, const ReadyByNewline&) = default;
};
using Ready = std::variant<ReadyByNotify, ReadyAfter, ReadyByAck, ReadyByNewline>;

// How a worker is told where its listeners are: docs/workers.md. All at once do not disturb each other, but
// `stdin`, which stands alone.
enum class Protocol { systemd, server_starter, einhorn, nginx, php_fpm, standard_input };

struct Worker {
    std::string program;  // absolute, or a bare name to look up in PATH
    std::vector<Template> arguments;
    std::uint32_t count = 1;  // "auto" is resolved: one for each core this process may use
    std::string cwd;          // absolute
    std::map<std::string, Template> env;
    std::vector<Protocol> protocols{Protocol::systemd};
    Ready ready = ReadyByNotify{};
    Duration ready_timeout{30'000};

    friend bool operator==(const Worker&, const Worker&) = default;
};

inline bool speaks(const Worker& worker, Protocol protocol) {
    return std::ranges::find(worker.protocols, protocol) != worker.protocols.end();
}

struct Drain {
    int signal = 15;
    Duration timeout{30'000};

    friend bool operator==(const Drain&, const Drain&) = default;
};

enum class Strategy { replace, rolling };

struct Reload {
    Strategy strategy = Strategy::replace;
    std::uint32_t max_surge = 1;  // rolling: so many slots change at once
    Duration soak{0};
    std::uint32_t max_draining = 4;

    friend bool operator==(const Reload&, const Reload&) = default;
};

struct Restart {
    Duration min_uptime{1'000};
    Duration backoff_min{100};
    Duration backoff_max{30'000};

    friend bool operator==(const Restart&, const Restart&) = default;
};

enum class LogLevel { trace, debug, info, warning, error };
enum class LogFormat { text, json };
enum class WorkerOutput { capture, inherit };

struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    WorkerOutput workers = WorkerOutput::capture;
    std::optional<std::string> file;  // absolute; unset: stderr, or the runtime folder in the background

    friend bool operator==(const Log&, const Log&) = default;
};

struct Config {
    std::string file;  // absolute path of the file this came from
    std::string name;
    std::vector<Listen> listen;
    Worker worker;
    Drain drain;
    Reload reload;
    Restart restart;
    Log log;

    friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace sup::config
