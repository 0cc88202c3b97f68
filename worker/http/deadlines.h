// Connections that wait for something, and have the same time for it: a queue in order of their deadlines,
// one timer that is armed only while somebody waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

#include "common/duration.h"
#include "common/uv.h"

namespace sup::http {

class Deadlines;

// A place in at most one such queue. Part of what waits; must be out of the queue when it goes.
class Deadline {
public:
    Deadline() = default;
    ~Deadline() { cancel(); }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    const Deadlines* queue() const { return queue_; }
    void cancel();

private:
    friend class Deadlines;

    Deadlines* queue_ = nullptr;
    Deadline* before_ = nullptr;
    Deadline* after_ = nullptr;
    std::uint64_t since_ = 0;  // in the loop's milliseconds
};

class Deadlines {
public:
    // Zero: nobody ever waits too long, before shorten(). `expired` gets each one after it was taken out.
    Deadlines(uv_loop_t* loop, Duration patience, std::function<void(Deadline&)> expired);
    ~Deadlines();
    Deadlines(const Deadlines&) = delete;
    Deadlines& operator=(const Deadlines&) = delete;

    // Puts it last, with all of its time before it, wherever it was until now.
    void add(Deadline& deadline);
    // Everybody who waits, or will, has only that long from now.
    void shorten(Duration patience);
    bool shortened() const { return latest_ != never; }
    void clear();

    std::size_t size() const { return size_; }
    // The one that has waited longest; null when none waits.
    Deadline* first() const { return first_; }
    static Deadline* after(const Deadline& deadline) { return deadline.after_; }
    Duration waited(const Deadline& deadline) const;

private:
    friend class Deadline;
    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

    void remove(Deadline& deadline);
    std::uint64_t due(const Deadline& deadline) const;
    void fire();
    void arm();

    uv_loop_t* loop_;
    std::uint64_t patience_;
    std::uint64_t latest_ = never;  // of any due time, once shortened
    std::function<void(Deadline&)> expired_;
    uv::Timer timer_;
    Deadline* first_ = nullptr;
    Deadline* last_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace sup::http
