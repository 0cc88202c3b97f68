#include "config/address.h"

#include "tests/catch.h"

using namespace sup::config;

TEST_CASE("an address comes out in its canonical spelling") {
    CHECK(parse_tcp_address("127.0.0.1:80").value() == TcpAddress{"127.0.0.1", 80});
    CHECK(parse_tcp_address("0.0.0.0:0").value() == TcpAddress{"0.0.0.0", 0});
    CHECK(parse_tcp_address("*:65535").value() == TcpAddress{"*", 65535});
    CHECK(parse_tcp_address("[::1]:80").value() == TcpAddress{"::1", 80});
    CHECK(parse_tcp_address("[0:0:0:0:0:0:0:1]:80").value() == TcpAddress{"::1", 80});
    CHECK(parse_tcp_address("[2001:DB8::0]:80").value() == TcpAddress{"2001:db8::", 80});
    CHECK(parse_tcp_address("[FE80::1%eth0]:80").value() == TcpAddress{"fe80::1%eth0", 80});
}

TEST_CASE("an address is written as it is read") {
    for (const char* text : {"127.0.0.1:80", "[::1]:80", "*:0", "[::]:8080", "[fe80::1%eth0]:80"}) {
        CHECK(to_string(parse_tcp_address(text).value()) == text);
    }
}

TEST_CASE("addresses overlap when the kernel would not bind both") {
    const auto both = [](const char* a, const char* b) {
        const TcpAddress first = parse_tcp_address(a).value();
        const TcpAddress second = parse_tcp_address(b).value();
        CHECK(overlap(first, second) == overlap(second, first));
        return overlap(first, second);
    };
    CHECK(both("127.0.0.1:80", "127.0.0.1:80"));
    CHECK(both("127.0.0.1:80", "0.0.0.0:80"));
    CHECK(both("127.0.0.1:80", "*:80"));
    CHECK(both("[::1]:80", "[::]:80"));
    CHECK(both("[::1]:80", "*:80"));
    CHECK(both("[::]:80", "*:80"));
    CHECK(both("0.0.0.0:80", "*:80"));
    CHECK_FALSE(both("127.0.0.1:80", "127.0.0.2:80"));
    CHECK_FALSE(both("127.0.0.1:80", "[::]:80"));
    CHECK_FALSE(both("[::1]:80", "0.0.0.0:80"));
    CHECK_FALSE(both("0.0.0.0:80", "[::]:80"));
    CHECK_FALSE(both("127.0.0.1:80", "127.0.0.1:81"));
    CHECK_FALSE(both("127.0.0.1:0", "127.0.0.1:0"));
}
