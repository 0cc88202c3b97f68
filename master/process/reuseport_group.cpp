#include "master/process/reuseport_group.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <fstream>

namespace sup {
namespace {

constexpr std::uint16_t load = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t shift = BPF_ALU | BPF_RSH | BPF_K;
constexpr std::uint16_t multiply = BPF_ALU | BPF_MUL | BPF_K;
constexpr std::uint16_t combine = BPF_ALU | BPF_XOR | BPF_X;
constexpr std::uint16_t keep = BPF_MISC | BPF_TAX;

constexpr sock_filter operation(std::uint16_t code, std::uint32_t operand = 0) {
    return {code, 0, 0, operand};
}

// From the beginning of the packet's IP header.
constexpr sock_filter load_packet(std::uint32_t offset) {
    return operation(load, static_cast<std::uint32_t>(SKF_NET_OFF) + offset);
}

// Classic BPF: its result is the index of a socket in the group. Ports are where they are without IP options
// and extension headers; with them something else of the packet is taken, which does as well. The hash is
// mixed as MurmurHash3 does at its end, because of neighbouring ports.
std::array<sock_filter, 22> program_for(std::uint32_t count) {
    return {{
        operation(load, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        {BPF_JMP | BPF_JEQ | BPF_K, 4, 0, ETH_P_IPV6},
        load_packet(20),  // IPv4: both ports
        operation(keep),
        load_packet(12),  // the client's address
        {BPF_JMP | BPF_JA, 0, 0, 3},
        load_packet(40),  // IPv6: both ports
        operation(keep),
        load_packet(20),  // the end of the client's address
        operation(multiply, 0x9E3779B1),
        operation(combine),
        operation(keep),
        operation(shift, 16),
        operation(combine),
        operation(multiply, 0x85EBCA6B),
        operation(keep),
        operation(shift, 13),
        operation(combine),
        operation(multiply, 0xC2B2AE35),
        operation(shift, 16),
        {BPF_ALU | BPF_MOD | BPF_K, 0, 0, count},
        {BPF_RET | BPF_A, 0, 0, 0},
    }};
}

}  // namespace

Status steer_to_first(int fd, std::size_t count) {
    auto program = program_for(static_cast<std::uint32_t>(count));
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
