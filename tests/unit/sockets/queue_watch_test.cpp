#include "master/sockets/queue_watch.h"

#include <algorithm>

#include "tests/catch.h"

using namespace std::chrono_literals;
using sup::QueueClients;
using sup::QueueHistory;

namespace {

// A queue that is looked at four times a second.
class Queue {
public:
    // From now on.
    Queue& holds(std::vector<std::uint64_t> clients, std::size_t gave_up = 0) {
        std::ranges::sort(clients);
        now_at_.waiting = std::move(clients);
        now_at_.gave_up = gave_up;
        return *this;
    }
    Queue& somebody_is_served() {
        now_at_.somebody_is_served = true;
        return *this;
    }
    Queue& pass(sup::Duration time) {
        for (const sup::Duration end = time_ + time; time_ < end; time_ += 250ms) {
            history.saw_clients(time_, now_at_.waiting.size() + now_at_.gave_up, [this] {
                ++asked;
                return std::optional(now_at_);
            });
        }
        return *this;
    }

    QueueHistory history;
    int asked = 0;

private:
    QueueClients now_at_;
    sup::Duration time_{1'000'000};
};

}  // namespace

TEST_CASE("an empty queue is nothing to look at again") {
    Queue queue;
    queue.holds({}).pass(1s);
    CHECK_FALSE(queue.history.suspicious());
    CHECK(queue.asked == 0);
}

TEST_CASE("where the same clients wait for seconds, nobody accepts") {
    Queue queue;
    queue.holds({1, 2, 3}).pass(1s);
    CHECK(queue.history.suspicious());
    CHECK_FALSE(queue.history.unattended());
    CHECK(queue.asked == 1);
    queue.holds({1, 2, 3, 4}).pass(2s);
    CHECK(queue.history.unattended());
    CHECK_FALSE(queue.history.suspicious());
    CHECK(queue.history.clients_left() == 3);
}

TEST_CASE("a queue that is as long as before, with others in it, is served") {
    Queue queue;
    for (std::uint64_t first = 1; first < 80; ++first) {
        queue.holds({first, first + 1, first + 2}).pass(250ms);
        CHECK_FALSE(queue.history.unattended());
    }
}

TEST_CASE("a queue that is always full and from which one is taken now and then is served") {
    Queue queue;
    for (std::uint64_t first = 1; first < 100; ++first) {
        std::vector<std::uint64_t> clients(128);
        for (auto& client : clients) client = first + static_cast<std::uint64_t>(&client - clients.data());
        queue.holds(clients).pass(1s);
        CHECK_FALSE(queue.history.unattended());
    }
}

TEST_CASE("while somebody is served the others may wait for as long as a long request takes") {
    Queue queue;
    queue.somebody_is_served().holds({1, 2}).pass(28s);
    CHECK_FALSE(queue.history.unattended());
    CHECK(queue.history.suspicious());
    CHECK(queue.asked == 2);
    queue.pass(4s);
    CHECK(queue.history.unattended());
}

TEST_CASE("of several queues at one address the one is found that nobody empties") {
    Queue queue;
    queue.holds({1, 2, 3, 10, 11, 12}).pass(1s);
    for (std::uint64_t other = 20; other < 25; ++other) queue.holds({10, 11, 12, other}).pass(1s);
    CHECK(queue.history.unattended());
    CHECK(queue.history.clients_left() == 3);
}

TEST_CASE("that nobody accepts is taken back as soon as one was taken, and not said again at once") {
    Queue queue;
    queue.holds({1, 2, 3}).pass(3s);
    REQUIRE(queue.history.unattended());
    queue.holds({2, 3, 4}).pass(250ms);
    CHECK_FALSE(queue.history.unattended());
    queue.holds({40, 41, 42, 43}).pass(250ms);
    CHECK_FALSE(queue.history.unattended());
}

TEST_CASE("clients that gave up were not accepted") {
    Queue queue;
    queue.holds({1, 2, 3}).pass(1s);
    queue.holds({3}, 2).pass(1s);
    queue.holds({}, 3).pass(1s);
    CHECK(queue.history.unattended());
    queue.holds({}, 2).pass(250ms);
    CHECK_FALSE(queue.history.unattended());
}

TEST_CASE("where the kernel does not tell who waits, nothing is said") {
    QueueHistory history;
    for (sup::Duration time{0}; time < 60s; time += 250ms)
        history.saw_clients(time, 5, [] { return std::optional<QueueClients>(); });
    CHECK_FALSE(history.unattended());
}

TEST_CASE("datagrams that never get fewer are read by nobody") {
    QueueHistory read;
    QueueHistory unread;
    for (sup::Duration time{0}; time < 31s; time += 250ms) {
        read.saw_bytes(time, static_cast<std::uint64_t>(200'000 + time.count() % 7'000));
        unread.saw_bytes(time, 212'000);
        CHECK_FALSE(read.unattended());
        CHECK((time < 30s || unread.unattended()));
    }
    unread.saw_bytes(40s, 768);
    CHECK_FALSE(unread.unattended());
}
