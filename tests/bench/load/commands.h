// Words on standard input, one a line, with which the driver steers a run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sup::bench {

enum class Command {
    ask,   // idle: ask now
    who,   // note which worker answered each client last
    stop,  // no new request from now on
};

class Commands {
public:
    // Watches standard input in this epoll set, with these data; does without where it cannot be watched (a
    // file).
    Commands(int epoll, std::uint32_t identity) noexcept;

    // Reads what is there, once; never blocks when epoll has said that there is something. Unknown words are
    // skipped.
    void on_ready() noexcept;
    // The next command that was read.
    std::optional<Command> next() noexcept;

private:
    int epoll_;
    std::array<char, 512> text_{};
    std::size_t size_ = 0;
};

}  // namespace sup::bench
