#include "master/sockets/reuseport_group.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>

namespace sup {
namespace {

constexpr std::uint16_t load = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t shift = BPF_ALU | BPF_RSH | BPF_K;
constexpr std::uint16_t multiply = BPF_ALU | BPF_MUL | BPF_K;
constexpr std::uint16_t combine = BPF_ALU | BPF_XOR | BPF_X;
constexpr std::uint16_t keep_result = BPF_MISC | BPF_TAX;

constexpr sock_filter operation(std::uint16_t code, std::uint32_t operand = 0) {
    return {code, 0, 0, operand};
}

// From the beginning of the packet's IP header.
constexpr sock_filter load_packet(std::uint32_t offset) {
    return operation(load, static_cast<std::uint32_t>(SKF_NET_OFF) + offset);
}

constexpr sock_filter operation_if(std::uint16_t comparison, std::uint32_t operand, std::uint8_t skip_if,
                                   std::uint8_t skip_else) {
    return {static_cast<std::uint16_t>(BPF_JMP | BPF_K | comparison), skip_if, skip_else, operand};
}

constexpr sock_filter return_result = {BPF_RET | BPF_A, 0, 0, 0};

using Program = std::vector<sock_filter>;

void append(Program& program, std::initializer_list<sock_filter> operations) {
    program.insert(program.end(), operations);
}

// Of the client's address and ports, 16 bits. Ports are where they are without IP options and extension
// headers; with them something else of the packet is taken, which does as well. It is mixed as MurmurHash3
// does at its end, because of neighbouring ports.
constexpr std::array<sock_filter, 20> hash_of_client{{
    operation(load, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL)),
    operation_if(BPF_JEQ, ETH_P_IPV6, 4, 0),
    load_packet(20),  // IPv4: both ports
    operation(keep_result),
    load_packet(12),  // the client's address
    {BPF_JMP | BPF_JA, 0, 0, 3},
    load_packet(40),  // IPv6: both ports
    operation(keep_result),
    load_packet(20),  // the end of the client's address
    operation(multiply, 0x9E3779B1),
    operation(combine),
    operation(keep_result),
    operation(shift, 16),
    operation(combine),
    operation(multiply, 0x85EBCA6B),
    operation(keep_result),
    operation(shift, 13),
    operation(combine),
    operation(multiply, 0xC2B2AE35),
    operation(shift, 16),
}};

// Neighbours that accept.
struct Range {
    std::uint32_t first;
    std::uint32_t size;
};

std::vector<Range> ranges_of(const std::vector<bool>& accepting) {
    std::vector<Range> ranges;
    for (std::uint32_t place = 0; place < accepting.size(); ++place) {
        if (!accepting[place]) continue;
        if (place == 0 || !accepting[place - 1]) ranges.push_back({place, 0});
        ++ranges.back().size;
    }
    return ranges;
}

// Classic BPF: its result is the place of a socket in the group. core::socket_of() says the same in C++.
Program program_for(std::uint32_t homes, const std::vector<bool>& accepting) {
    const std::vector<Range> ranges = ranges_of(accepting);
    Program program{hash_of_client.begin(), hash_of_client.end()};
    append(program, {operation(BPF_ST), operation(BPF_ALU | BPF_MOD | BPF_K, homes)});
    for (const Range& range : ranges) {  // the home, where it accepts
        append(program, {operation_if(BPF_JGE, range.first, 0, 2),
                         operation_if(BPF_JGE, range.first + range.size, 1, 0), return_result});
    }
    const auto all = static_cast<std::uint32_t>(std::ranges::count(accepting, true));
    append(program, {operation(BPF_LD | BPF_MEM), operation(BPF_ALU | BPF_DIV | BPF_K, homes),
                     operation(BPF_ALU | BPF_MOD | BPF_K, all)});
    std::uint32_t before = 0;
    for (const Range& range : ranges) {  // or so many-th of those that accept
        const std::uint32_t end = before + range.size;
        if (end < all) append(program, {operation_if(BPF_JGE, end, 2, 0)});
        append(program, {operation(BPF_ALU | BPF_ADD, range.first - before), return_result});
        before = end;
    }
    return program;
}

}  // namespace

Status steer_clients(int fd, std::uint32_t homes, const std::vector<bool>& accepting) {
    Program program = program_for(homes, accepting);
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0) return Success{};
    return errno_error("SO_ATTACH_REUSEPORT_CBPF");
}

bool migrates_queues() {
    std::ifstream sysctl{"/proc/sys/net/ipv4/tcp_migrate_req"};
    int value = 0;
    return sysctl >> value && value != 0;
}

}  // namespace sup
