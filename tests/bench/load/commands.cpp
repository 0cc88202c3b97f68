#include "tests/bench/load/commands.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace sup::bench {

Commands::Commands(int epoll, std::uint32_t identity) noexcept : epoll_(epoll) {
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.u32 = identity;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, STDIN_FILENO, &interest);
}

void Commands::on_ready() noexcept {
    if (size_ == text_.size()) size_ = 0;  // a line that long is no command
    const ssize_t n = ::read(STDIN_FILENO, text_.data() + size_, text_.size() - size_);
    if (n > 0)
        size_ += static_cast<std::size_t>(n);
    else
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
}

std::optional<Command> Commands::next() noexcept {
    for (;;) {
        const std::string_view text(text_.data(), size_);
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view word = text.substr(0, end);
        std::optional<Command> command;
        if (word == "ask") command = Command::ask;
        if (word == "who") command = Command::who;
        if (word == "stop") command = Command::stop;
        std::copy(text_.begin() + static_cast<std::ptrdiff_t>(end) + 1,
                  text_.begin() + static_cast<std::ptrdiff_t>(size_), text_.begin());
        size_ -= end + 1;
        if (command) return command;
    }
}

}  // namespace sup::bench
