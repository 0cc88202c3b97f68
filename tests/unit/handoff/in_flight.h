// More descriptors in flight than the kernel allows this process, until they land: sending one is
// ETOOMANYREFS meanwhile (unix(7)).
#pragma once

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "common/unique_fd.h"
#include "common/unix_message.h"
#include "tests/catch.h"

namespace sup::test {

// Of this thread; the limit is the process's. Both are as before when it goes.
class InFlight {
public:
    InFlight() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
        receiver_.reset(ends[0]);
        sender_.reset(ends[1]);
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit_) == 0);
        const rlimit few{in_flight - 1, limit_.rlim_max};
        const std::array<int, 16> passengers = [this] {
            std::array<int, 16> all{};
            all.fill(sender_.get());
            return all;
        }();
        for (std::size_t sent = 0; sent < in_flight; sent += passengers.size())
            REQUIRE(send_unix_message(sender_.get(), "x", passengers).value() == SendOutcome::sent);
        give_up_privileges();
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
        const std::array<int, 1> one{sender_.get()};
        REQUIRE(send_unix_message(sender_.get(), "x", one).value() == SendOutcome::too_many_fds);
    }
    ~InFlight() { land(); }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

    void land() {
        if (!receiver_) return;
        receiver_.reset();
        sender_.reset();
        ::setrlimit(RLIMIT_NOFILE, &limit_);
        ::syscall(SYS_capset, &header_, before_.data());
    }

private:
    static constexpr std::size_t in_flight = 128;

    // Whoever has them is not bound by the limit.
    void give_up_privileges() {
        REQUIRE(::syscall(SYS_capget, &header_, before_.data()) == 0);
        auto fewer = before_;
        for (const unsigned capability : {unsigned{CAP_SYS_RESOURCE}, unsigned{CAP_SYS_ADMIN}})
            fewer[capability / 32].effective &= ~(1U << (capability % 32));
        REQUIRE(::syscall(SYS_capset, &header_, fewer.data()) == 0);
    }

    UniqueFd receiver_;
    UniqueFd sender_;
    rlimit limit_{};
    __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> before_{};
};

}  // namespace sup::test
