// The HTTP server's small parts.
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "worker/http/buffer.h"
#include "worker/http/date.h"
#include "worker/http/deadlines.h"
#include "worker/http/status_line.h"
#include "worker/lifecycle/drain_clock.h"

using namespace sup::http;

TEST_CASE("a buffer gives its memory back when it is empty") {
    BufferPool pool;
    Buffer buffer(pool);
    CHECK(buffer.empty());
    buffer.append("hello ");
    buffer.append("world");
    buffer.consume(6);
    CHECK(buffer.view() == "world");
    CHECK(buffer.size() == 5);
    const char* memory = buffer.view().data() - 6;
    buffer.consume(5);
    CHECK(buffer.empty());
    Buffer other(pool);
    other.append("again");
    CHECK(other.view().data() == memory);
}

TEST_CASE("a buffer that is filled and emptied for ever does not grow for ever") {
    BufferPool pool;
    Buffer buffer(pool);
    const std::string part(1000, 'x');
    buffer.append("first");
    for (int i = 0; i < 10'000; ++i) {
        buffer.append(part);
        buffer.consume(1000);
    }
    CHECK(buffer.size() == 5);
    CHECK(buffer.view() == "xxxxx");
    CHECK(buffer.memory() < 16'000);
}

TEST_CASE("dates are in the form of RFC 9110, whatever the locale") {
    std::array<char, date_size> text{};
    const auto date = [&](std::time_t seconds) {
        format_date(seconds, text);
        return std::string(text.data(), text.size());
    };
    CHECK(date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(date(951'782'400) == "Tue, 29 Feb 2000 00:00:00 GMT");
    DateCache cache;
    CHECK(cache.now().size() == date_size);
    CHECK(cache.now().substr(26) == "GMT");
}

TEST_CASE("status lines and reasons belong together") {
    for (int status = 100; status < 600; ++status) {
        const std::string_view line = status_line(status);
        if (line.empty()) continue;
        const std::string expected =
            "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason_phrase(status)) + "\r\n";
        CHECK(line == expected);
    }
    CHECK(reason_phrase(404) == "Not Found");
    CHECK(reason_phrase(999).empty());
}

TEST_CASE("a drain uses nearly all of its time, however long or short that is") {
    using std::chrono::minutes;
    using sup::Duration;
    using sup::worker::drain_margin;
    CHECK(drain_margin(minutes{10}) == Duration{5'000});
    CHECK(drain_margin(Duration{30'000}) == Duration{3'000});
    CHECK(drain_margin(Duration{2'000}) == Duration{500});
    CHECK(drain_margin(Duration{100}) == Duration{50});
    CHECK(drain_margin(Duration{0}) == Duration{0});
}

TEST_CASE("deadlines expire in order, and those that left do not") {
    sup::uv::Loop loop;
    std::vector<const Deadline*> expired;
    std::array<Deadline, 3> waiting;
    Deadlines deadlines(loop.get(), sup::Duration{5}, [&](Deadline& one) { expired.push_back(&one); });
    for (Deadline& one : waiting) deadlines.add(one);
    waiting[1].cancel();
    CHECK(waiting[1].queue() == nullptr);
    deadlines.add(waiting[0]);  // now the last
    loop.run();
    CHECK(expired == std::vector<const Deadline*>{&waiting[2], &waiting[0]});
    CHECK(waiting[0].queue() == nullptr);
}

TEST_CASE("with no time set nobody expires, until the time is shortened") {
    sup::uv::Loop loop;
    int expired = 0;
    Deadline one;
    Deadlines deadlines(loop.get(), sup::Duration{0}, [&](Deadline&) { ++expired; });
    deadlines.add(one);
    CHECK(deadlines.first() == &one);
    loop.run();  // nothing is armed, so this returns
    CHECK(expired == 0);
    deadlines.shorten(sup::Duration{1});
    loop.run();
    CHECK(expired == 1);
}

TEST_CASE("shortening counts for those who wait already") {
    sup::uv::Loop loop;
    int expired = 0;
    Deadline one;
    Deadlines deadlines(loop.get(), sup::Duration{3'600'000}, [&](Deadline&) { ++expired; });
    deadlines.add(one);
    deadlines.shorten(sup::Duration{1});
    loop.run();
    CHECK(expired == 1);
}

TEST_CASE("a deadline may be set again from its own expiry") {
    sup::uv::Loop loop;
    int expired = 0;
    Deadline one;
    Deadlines* queue = nullptr;
    Deadlines deadlines(loop.get(), sup::Duration{1}, [&](Deadline& again) {
        if (++expired < 3) queue->add(again);
    });
    queue = &deadlines;
    deadlines.add(one);
    loop.run();
    CHECK(expired == 3);
}
