// What became of a signal.
#pragma once

namespace sup {

enum class SignalOutcome {
    sent,
    ended,    // there is no such process any more
    refused,  // it may not be signalled: another user's, or a sandbox is in the way
};

}  // namespace sup
