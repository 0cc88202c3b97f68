#include "master/notify/notify_message.h"

#include "tests/catch.h"

using namespace sup;
using namespace std::string_view_literals;

namespace {

NotifyMessage ready() {
    NotifyMessage message;
    message.ready = true;
    return message;
}

std::optional<Duration> extension(std::string_view value) {
    return parse_notify_message("EXTEND_TIMEOUT_USEC=" + std::string(value)).extend_timeout;
}

}  // namespace

TEST_CASE("a worker that says nothing that is understood has said nothing") {
    for (const auto text : {""sv, "\n"sv, "\n\n\r\n"sv, "READY"sv, "READY="sv, "READY=0"sv, "READY=11"sv,
                            " READY=1"sv, "ready=1"sv, "XREADY=1"sv, "MAINPID=\nFDSTORE=1\nFDNAME=x"sv,
                            "=1"sv, "READY=1\0STATUS=x"sv, "\0"sv, "\0\0"sv, "\xff\xfe=\xff"sv}) {
        CHECK(parse_notify_message(text) == NotifyMessage{});
    }
}

TEST_CASE("READY=1 is understood wherever it stands, with any line end") {
    for (const auto text :
         {"READY=1"sv, "READY=1\n"sv, "READY=1\r\n"sv, "READY=1\0"sv, "X=y\nREADY=1"sv, "READY=1\nX=y"sv,
          "READY=0\nREADY=1"sv, "READY=1\nREADY=0"sv, "\r\n\r\nREADY=1"sv}) {
        CHECK(parse_notify_message(text) == ready());
    }
}

TEST_CASE("every message that the protocol names is understood, also all of them at once") {
    const NotifyMessage all = parse_notify_message(
        "READY=1\nSTOPPING=1\nWATCHDOG=1\nBARRIER=1\nX_SUP_CHANNEL=1\nSTATUS=Serving: 5 = "
        "five\nEXTEND_TIMEOUT_USEC=5000000\n");
    CHECK(all.ready);
    CHECK(all.stopping);
    CHECK(all.watchdog);
    CHECK(all.barrier);
    CHECK(all.channel);
    CHECK(all.status == "Serving: 5 = five");
    CHECK(all.extend_timeout == Duration{5000});
}

TEST_CASE("a timeout is a whole number of microseconds, rounded up, or it counts for nothing") {
    CHECK(extension("0") == Duration{0});
    CHECK(extension("1") == Duration{1});
    CHECK(extension("1000") == Duration{1});
    CHECK(extension("1001") == Duration{2});
    for (const char* bad :
         {"", "-1", "+1", "1s", "0x10", " 1", "1 ", "1.5", "18446744073709551616", "18446744073709551615"}) {
        CHECK_FALSE(extension(bad));
    }
}

TEST_CASE("a status is safe to print, bounded, and may be empty") {
    CHECK(parse_notify_message("STATUS=").status == "");
    CHECK(parse_notify_message("STATUS=\x1b]0;x\x07 \xff é").status == "\\x1b]0;x\\x07 \\xff é");
    const auto longest = parse_notify_message("STATUS=" + std::string(5000, 'x')).status;
    REQUIRE(longest);
    CHECK(longest->size() == max_status_bytes);
    CHECK(parse_notify_message("STATUS=first\nSTATUS=second").status == "first");
}
