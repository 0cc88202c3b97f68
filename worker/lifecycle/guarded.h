// Calls what a user of the library has written. An exception must not unwind through libuv, which is C.
#pragma once

#include <exception>
#include <string_view>

namespace sup::worker {

// Says "WHO threw: WHAT" in the log, with what the exception says made safe to print.
void tell_thrown(std::string_view who, const std::exception_ptr& thrown);

// True: `call` has returned. False: it threw, which is logged.
template <typename Call>
bool guarded(std::string_view who, Call&& call) {
    try {
        call();
        return true;
    } catch (...) {
        tell_thrown(who, std::current_exception());
        return false;
    }
}

}  // namespace sup::worker
