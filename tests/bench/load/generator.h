// The load: schedules the clients, deals with their events in one thread, and counts.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "tests/bench/load/client.h"
#include "tests/bench/load/commands.h"
#include "tests/bench/load/deadlines.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/tally.h"

namespace sup::bench {

// How many of the clients that have an answer were last answered by which worker. A worker is what follows
// "pid:" in the answer, digits and slashes ("4711", "4711/2").
struct Census {
    Time at;
    std::map<std::string, int> clients;
};

class Generator {
public:
    // What a run tells while it goes on.
    struct Listener {
        std::function<void(Time)> started;
        std::function<void()> established;  // idle: every client has its first answer
    };

    explicit Generator(const Options& options);

    // Runs to the end. An error means that nothing could be measured, never that the server failed.
    Status run(const Listener& listener);

    const Tally& tally() const noexcept { return tally_; }
    const std::vector<Census>& censuses() const noexcept { return censuses_; }
    // From the first request to the end of the last.
    Span elapsed() const noexcept { return elapsed_; }

private:
    enum class Round { establishing, waiting, asking, over };  // of the mode idle

    // A client that asks next.
    struct Due {
        std::uint32_t client;
        Time intended;  // when it meant to ask: lateness of ours counts as latency, so that no stall hides
                        // itself
    };

    Status prepare();
    void schedule_first_requests(Time start) noexcept;
    timespec until_next_deadline(Time now) const noexcept;
    void expire(Time now) noexcept;
    void begin_due_requests() noexcept;
    void account(std::uint32_t client, const Outcome& outcome) noexcept;
    void schedule_next(std::uint32_t client, Time now, bool could_connect) noexcept;
    void obey(Command command);
    void take_census();
    void turn_idle_round(const Listener& listener, Time now);
    bool finished(Time now) const noexcept;

    Options options_;
    std::string body_;
    std::string request_;
    sockaddr_in server_{};
    UniqueFd epoll_;
    std::vector<char> buffer_;
    Surroundings around_{};
    std::vector<Client> clients_;
    std::vector<Time> began_;  // when a client's current request was meant to begin
    Deadlines thinking_;
    Deadlines pausing_;  // after a connect that failed
    Deadlines waiting_;  // for an answer
    std::vector<Due> due_;
    Tally tally_;
    std::vector<Census> censuses_;
    Time end_{};  // no request begins later
    Span elapsed_{0};
    std::size_t busy_ = 0;
    Round round_ = Round::establishing;
    std::size_t next_idle_ = 0;  // the first client that has not had its turn in this round
};

}  // namespace sup::bench
