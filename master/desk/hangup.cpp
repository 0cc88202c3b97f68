#include "master/desk/hangup.h"

#include <fcntl.h>

#include <csignal>
#include <utility>

#include "common/unique_fd.h"

namespace sup {
namespace {

constexpr Duration until_second_look{300};

bool is_ignored(int signal) {
    struct sigaction action {};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

HangupMeaning meaning_of_hangup(bool background) {
    if (background) return HangupMeaning::reload;
    if (is_ignored(SIGHUP)) return HangupMeaning::nothing;
    return has_terminal() ? HangupMeaning::lost_terminal : HangupMeaning::reload;
}

bool has_terminal() {
    return static_cast<bool>(UniqueFd{::open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)});
}

HangupWatch::HangupWatch(uv_loop_t* loop, HangupMeaning meaning, Callbacks callbacks)
    : meaning_(meaning),
      callbacks_(std::move(callbacks)),
      second_look_(loop, [this] { (has_terminal() ? callbacks_.reload : callbacks_.lost_terminal)(); }) {
    if (meaning_ != HangupMeaning::nothing) signal_ = uv::Signal(loop, SIGHUP, [this] { heard(); });
}

void HangupWatch::heard() {
    if (meaning_ == HangupMeaning::reload) return callbacks_.reload();
    if (!has_terminal()) return callbacks_.lost_terminal();
    second_look_.arm(until_second_look);
}

}  // namespace sup
