// The configuration as plain values, validated: what the rest of the program works with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/duration.h"
#include "config/template.h"

namespace sup::config {

// Where a TCP or UDP socket binds.
struct InetAddress {
    std::string host;        // a literal IPv4 or IPv6 address, or "*" for every address, IPv6 and IPv4
    std::uint16_t port = 0;  // 0: the kernel chooses, once; reloads keep what it chose

    friend bool operator==(const InetAddress&, const InetAddress&) = default;
};

struct UnixAddress {
    std::string name;  // an absolute path, or "@…" in the abstract namespace (unix(7))

    bool abstract() const { return name.starts_with('@'); }
    friend bool operator==(const UnixAddress&, const UnixAddress&) = default;
};

enum class Transport { stream, datagram };

// Where a listener binds, and for what: TCP, UDP, unix stream or unix datagram.
struct Address {
    Transport transport = Transport::stream;
    std::variant<InetAddress, UnixAddress> place;

    // Null for one of the other family.
    const InetAddress* inet() const { return std::get_if<InetAddress>(&place); }
    const UnixAddress* unix_domain() const { return std::get_if<UnixAddress>(&place); }
    // The path of a unix socket's file; null for all others.
    const std::string* path() const {
        return unix_domain() != nullptr && !unix_domain()->abstract() ? &unix_domain()->name : nullptr;
    }
    friend bool operator==(const Address&, const Address&) = default;
};

// The file of a unix socket.
struct FileAccess {
    unsigned mode = 0666;              // as systemd's SocketMode
    std::optional<std::string> owner;  // a name or a number; unset: the master's
    std::optional<std::string> group;

    friend bool operator==(const FileAccess&, const FileAccess&) = default;
};

struct Listen {
    std::string name;
    Address address;
    int backlog = 4096;  // of stream sockets
    bool nonblock = false;
    FileAccess access;       // of unix sockets with a path
    bool ipv6only = true;    // of "[::]"; one that is not comes out as "*"
    bool reuseport = false;  // of TCP and UDP: a socket for each slot
    // Of TCP sockets; unset: left alone.
    std::optional<bool> tcp_nodelay;
    std::optional<int> fastopen;  // TCP_FASTOPEN's queue length, 0: off
    std::optional<Duration> defer_accept;

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
    bool end_leftovers = true;  // what outlives it in sessions of its own

    friend bool operator==(const Worker&, const Worker&) = default;
};

inline bool speaks(const Worker& worker, Protocol protocol) {
    return std::ranges::find(worker.protocols, protocol) != worker.protocols.end();
}

// Who gets the drain signal. automatic: the process that MAINPID= named, if any; else the main process,
// unless it does not handle the signal and another of the worker's processes sent READY=1.
enum class DrainTo { automatic, main, ready, group };

struct Drain {
    DrainTo to = DrainTo::automatic;
    int signal = 15;
    Duration timeout{30'000};

    friend bool operator==(const Drain&, const Drain&) = default;
};

enum class Strategy { replace, rolling };

struct Reload {
    Strategy strategy = Strategy::replace;
    std::uint32_t max_surge = 1;     // rolling: so many slots change at once
    std::optional<Duration> soak{};  // unset: of a first step one second, of a later one none
    std::uint32_t max_draining = 4;

    friend bool operator==(const Reload&, const Reload&) = default;
};

struct Restart {
    Duration min_uptime{1'000};
    Duration backoff_min{100};
    Duration backoff_max{30'000};

    friend bool operator==(const Restart&, const Restart&) = default;
};

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };
enum class WorkerOutput { capture, inherit };

// What happens to workers' lines when the log's reader does not take them.
struct WhenSlow {
    std::optional<Duration> wait = Duration{2'000};  // then a worker that waits goes on; none: never
    std::size_t queue_bytes = std::size_t{8} * 1024 * 1024;

    friend bool operator==(const WhenSlow&, const WhenSlow&) = default;
};

struct Log {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    WorkerOutput workers = WorkerOutput::capture;
    std::optional<std::string> file;  // absolute; unset: stderr, or the runtime folder in the background
    std::optional<std::uint64_t> max_size;  // bytes; 0: any; unset: depends on where it is
    std::optional<std::uint32_t> keep;      // older files
    WhenSlow when_slow;

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
