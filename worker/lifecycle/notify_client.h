// Tells the supervisor how the worker is doing (sd_notify(3)).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/unix_message.h"

namespace sup::worker {

class NotifyClient {
public:
    NotifyClient() = default;
    // `address` is NOTIFY_SOCKET's value; empty: nobody listens, and everything sent is dropped.
    explicit NotifyClient(std::string address) : address_(std::move(address)) {}

    explicit operator bool() const { return !address_.empty(); }

    // Lines such as "READY=1\nSTATUS=…", without blocking; descriptors travel along and stay the caller's.
    // The supervisor's queue is short (net.unix.max_dgram_qlen, often 10).
    Result<SendOutcome> try_send(std::string_view lines, std::span<const int> descriptors = {}) const;
    // For what may be lost: the same, and an Error for whatever was not sent.
    Status send(std::string_view lines) const;
    // In words, why something was not sent.
    Error failure(const Result<SendOutcome>& outcome) const;

private:
    std::string address_;
};

}  // namespace sup::worker
