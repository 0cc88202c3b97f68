// SIGHUP has two meanings: "reload" to a daemon, and "the terminal is gone" to a process that has one.
// Closing a terminal must not deploy what is on disk.
#pragma once

#include <functional>

#include "common/uv.h"

namespace sup {

enum class HangupMeaning {
    reload,         // there is no terminal to lose
    lost_terminal,  // ... if it is lost; else somebody sent the signal, for a reload
    nothing,        // the signal was ignored when sup was started (nohup)
};
// Call it before any disposition is changed. In the background there is no terminal, so nohup does not
// matter there.
HangupMeaning meaning_of_hangup(bool background);

// Whether the process has a controlling terminal now: without one, or once it was hung up, opening /dev/tty
// fails (tty(4)).
bool has_terminal();

// Watches SIGHUP from its creation on; with HangupMeaning::nothing the signal is left as it is.
class HangupWatch {
public:
    struct Callbacks {
        std::function<void()> reload;
        std::function<void()> lost_terminal;
    };
    HangupWatch(uv_loop_t* loop, HangupMeaning meaning, Callbacks callbacks);
    HangupWatch(const HangupWatch&) = delete;
    HangupWatch& operator=(const HangupWatch&) = delete;

private:
    void heard();

    HangupMeaning meaning_;
    Callbacks callbacks_;
    // A shell that ends sends the signal while the terminal is still there, and then lets go of it.
    uv::Timer second_look_;
    uv::Signal signal_;
};

}  // namespace sup
