#include "common/socket_table.h"

#include "tests/catch.h"

using namespace sup;

TEST_CASE("sockets that listen are found in the kernel's IPv4 table, others are not") {
    const auto listeners = parse_tcp_table(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:2327 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 "
        "100 0 0 10 0\n"
        "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 "
        "100 0 0 10 0\n"
        "   2: 0100007F:2327 0100007F:A0B2 01 00000000:00000000 00:00000000 00000000     0        0 13 1 0 "
        "100 0 0 10 0\n");
    CHECK(listeners == std::vector<BoundSocket>{{"127.0.0.1", 8999, 4711}, {"0.0.0.0", 22, 12}});
}

TEST_CASE("sockets that listen are found in the kernel's IPv6 table") {
    const auto listeners = parse_tcp_table(
        "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 "
        "00:00000000 00000000  1000        0 5 1 0 100 0 0 10 0\n"
        "   1: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 "
        "00:00000000 00000000     0        0 6 1 0 100 0 0 10 0\n");
    CHECK(listeners == std::vector<BoundSocket>{{"::1", 8080, 5}, {"::", 80, 6}});
}

TEST_CASE("a TCP table is read as far as its listening sockets go") {
    const auto listeners = parse_tcp_table(
        "   0: 0100007F:2327 00000000:0000 0A 0:0 0:0 0 0 0 1\n"
        "   1: 0100007F:2327 0100007F:A0B2 06 0:0 0:0 0 0 0 0\n"
        "   2: 0100007F:2328 00000000:0000 0A 0:0 0:0 0 0 0 2\n");
    CHECK(listeners == std::vector<BoundSocket>{{"127.0.0.1", 8999, 1}});
}

TEST_CASE("lines of a socket table that are something else are passed over") {
    CHECK(parse_tcp_table("").empty());
    CHECK(parse_tcp_table("   0: 0100007F:2327").empty());
    CHECK(parse_tcp_table("   0: 7F:2327 0:0 0A 0:0 0:0 0 0 0 1\n   0: 0100007F 0:0 0A 0:0 0:0 0 0 0 1\n")
              .empty());
}

TEST_CASE("UDP sockets that are bound are found in the kernel's table, connected ones are not") {
    const auto sockets = parse_udp_table(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode "
        "ref "
        "pointer drops\n"
        "  125: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9 2 "
        "0000000000000000 0\n"
        "  126: 0100007F:0036 0100007F:0037 01 00000000:00000000 00:00000000 00000000     0        0 8 2 "
        "0000000000000000 0\n");
    CHECK(sockets == std::vector<BoundSocket>{{"127.0.0.1", 53, 9}});
}

TEST_CASE("unix sockets are found by the name that they were bound to") {
    const char* const table =
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 20866623 /run/a b.sock\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 20866624\n"
        "0000000000000000: 00000003 00000000 00000000 0002 01 7 @name\n";
    CHECK(parse_unix_table(table, "/run/a b.sock") == std::vector<std::uint64_t>{20866623});
    CHECK(parse_unix_table(table, "@name") == std::vector<std::uint64_t>{7});
    CHECK(parse_unix_table(table, "/run/a").empty());
    CHECK(parse_unix_table(table, "").empty());
}
