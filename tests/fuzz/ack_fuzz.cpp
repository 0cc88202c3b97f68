// Whatever a worker writes to EINHORN_SOCK_PATH, it acknowledges one process or none.
#include <cstdint>
#include <string>

#include "master/notify/ack_message.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string line(data, data + size);
    const auto pid = sup::parse_ack(line);
    if (!pid) return 0;
    require(*pid > 0, "an ack is about a process");
    const std::string digits = std::to_string(*pid);
    require(line.find(digits) != line.npos, "the process is one that was named");
    const std::string again = R"({"command":"worker:ack","pid":)" + digits + "}";
    require(sup::parse_ack(again) == pid, "both ways to write it mean the same");
    return 0;
}
