// An instance as it is at one moment. The master takes the picture; status, list and the outcome of a command
// are views of it.
//
// States and kinds are words: a command may be older than the master that it asks, and shows a word that it
// does not know as it is. docs/json.md has the meaning of each field, under the name that it has in fields.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/duration.h"

namespace sup::status {

using Time = std::chrono::system_clock::time_point;

// A process that sup has not ended.
struct LeftBehind {
    int pid = 0;
    std::string name;  // "process 4711 (server)"
    std::string why;   // "which sup may not signal"
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;
    std::string listeners;  // that it holds, or may
};

struct Executable {
    std::string path;
    bool pinned = false;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;  // bytes
    std::optional<Time> mtime;
    std::string at_path;  // "same", "other", "gone": what a reload would find there
};

struct LastExit {
    std::string how;
    std::optional<Time> at;
    Duration ago{0};
    std::optional<int> code;
    std::optional<int> signal;
};

// A slot that waits to be restarted is one without a process.
struct Worker {
    std::uint32_t slot = 0;
    std::optional<int> pid;
    std::string state;
    std::optional<Duration> uptime;
    std::uint32_t restarts = 0;
    std::string said;  // STATUS=
    std::optional<std::uint64_t> rss_bytes;
    // None: it keeps no row of the scoreboard.
    std::optional<std::uint64_t> connections;
    std::optional<std::uint64_t> requests;
    // Of its slot.
    std::optional<LastExit> last_exit;
    std::optional<Duration> retry_in;
    std::uint32_t short_lives = 0;
};

struct Generation {
    std::uint32_t generation = 0;
    std::string state;
    std::uint32_t count = 0;
    Duration uptime{0};
    std::vector<Worker> workers;  // by slot
    std::vector<std::uint32_t> awaiting_restart;
    // What it was made of. None, and then nothing of what follows: it is not prepared yet.
    std::optional<Executable> executable;
    std::vector<std::string> command;
    std::string cwd;
    std::string release;
    bool changed = false;
    std::vector<std::string> changes;
    std::optional<Time> started_at;
};

struct Listener {
    std::string name;
    std::string address;
    std::string kind;
    std::uint64_t sockets = 1;
    std::optional<std::uint64_t> queue;
    std::optional<std::uint64_t> queue_limit;
    std::optional<std::string> problem;
};

// What became of the connections of the workers that a reload drained.
struct Connections {
    std::uint64_t handed_over = 0;
    std::uint64_t drained = 0;
    std::uint64_t closed = 0;
    std::map<std::string, std::uint64_t> unreadable;  // by protocol
};

struct Reload {
    std::optional<std::uint32_t> generation;  // none: there never was one
    std::string outcome;
    std::string reason;  // empty when promoted
    Connections connections;
    std::uint64_t died = 0;
    Duration duration{0};
    std::optional<Time> at;
    // Of one that was not promoted.
    bool configuration_error = false;
    std::vector<std::string> worker_output;
};

struct Picture {
    std::string name;
    int pid = 0;
    std::string state;
    std::string health;
    bool degraded = false;
    std::uint32_t serving = 0;
    std::uint32_t wanted = 0;
    std::string version;
    std::string config;
    std::optional<std::string> log;  // none: standard error
    Duration uptime{0};
    std::vector<Listener> listeners;
    std::vector<Generation> generations;  // newest first
    std::optional<Reload> last_reload;
    std::vector<LeftBehind> left_behind;
};

}  // namespace sup::status
