#include "config/address.h"

#include <vector>

#include "tests/catch.h"

using namespace sup::config;

namespace {

Address address_of(const std::string& text) {
    return parse_address(text, "/etc/sup").value();
}

InetAddress inet(const std::string& text) {
    return *address_of(text).inet();
}

}  // namespace

TEST_CASE("an address comes out in its canonical spelling") {
    CHECK(inet("127.0.0.1:80") == InetAddress{"127.0.0.1", 80});
    CHECK(inet("0.0.0.0:0") == InetAddress{"0.0.0.0", 0});
    CHECK(inet("*:65535") == InetAddress{"*", 65535});
    CHECK(inet("[::1]:80") == InetAddress{"::1", 80});
    CHECK(inet("[0:0:0:0:0:0:0:1]:80") == InetAddress{"::1", 80});
    CHECK(inet("[2001:DB8::0]:80") == InetAddress{"2001:db8::", 80});
    CHECK(inet("[FE80::1%eth0]:80") == InetAddress{"fe80::1%eth0", 80});
}

TEST_CASE("a relative path of a unix socket starts at the configuration's folder") {
    CHECK(*address_of("unix:/run//x.sock").path() == "/run/x.sock");
    CHECK(*address_of("unix:./run/x.sock").path() == "/etc/sup/run/x.sock");
    CHECK(*address_of("unix-dgram:x").path() == "/etc/sup/x");
    CHECK(address_of("unix:@/run/../x").unix_domain()->name == "@/run/../x");
    CHECK(address_of("unix:@x").path() == nullptr);
}

TEST_CASE("a unix socket's name is as long as the kernel's structure has room, and no longer") {
    CHECK(parse_address("unix:/" + std::string(106, 'x'), "/"));
    CHECK_FALSE(parse_address("unix:/" + std::string(107, 'x'), "/"));
    CHECK_FALSE(parse_address("unix:" + std::string(100, 'x'), "/folder"));
    CHECK(parse_address("unix:@" + std::string(107, 'x'), "/"));
    CHECK_FALSE(parse_address("unix:@" + std::string(108, 'x'), "/"));
}

TEST_CASE("an address is written as it is read, and says its kind") {
    const std::vector<std::pair<std::string, std::string>> addresses{{"127.0.0.1:80", "tcp"},
                                                                     {"[::1]:80", "tcp"},
                                                                     {"*:0", "tcp"},
                                                                     {"[::]:8080", "tcp"},
                                                                     {"[fe80::1%eth0]:80", "tcp"},
                                                                     {"udp:127.0.0.1:53", "udp"},
                                                                     {"udp:[::]:53", "udp"},
                                                                     {"unix:/run/x.sock", "unix"},
                                                                     {"unix:@x", "unix"},
                                                                     {"unix-dgram:/x", "unix-dgram"},
                                                                     {"unix-dgram:@x y", "unix-dgram"}};
    for (const auto& [text, kind] : addresses) {
        CHECK(to_string(address_of(text)) == text);
        CHECK(kind_of(address_of(text)) == kind);
    }
}

TEST_CASE("addresses overlap when the kernel would not bind both") {
    const auto both = [](const char* a, const char* b) {
        const Address first = address_of(a);
        const Address second = address_of(b);
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
    CHECK(both("udp:127.0.0.1:53", "udp:*:53"));
    CHECK_FALSE(both("udp:127.0.0.1:53", "127.0.0.1:53"));
    CHECK(both("unix:/x", "unix:/x"));
    CHECK(both("unix:/x", "unix-dgram:/x"));
    CHECK(both("unix:@x", "unix:@x"));
    CHECK_FALSE(both("unix:@x", "unix-dgram:@x"));
    CHECK_FALSE(both("unix:@x", "unix:/x"));
    CHECK_FALSE(both("unix:/x", "127.0.0.1:80"));
}
