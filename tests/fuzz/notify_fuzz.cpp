// Whatever a worker sends to its NOTIFY_SOCKET, what comes out of it can be acted on and printed.
#include <cstdint>
#include <string>
#include <string_view>

#include "master/notify/notify_message.h"
#include "tests/fuzz/readable.h"
#include "tests/fuzz/require.h"

namespace {

void check_status(const std::string& status, std::string_view datagram) {
    require(status.size() <= sup::max_status_bytes, "a status is bounded");
    require(sup::test::readable(status), "a status is safe to print");
    // The first of them, as it was sent where that is readable.
    std::size_t begin = datagram.find("STATUS=");
    while (begin > 0 && datagram[begin - 1] != '\n' && datagram[begin - 1] != '\r')
        begin = datagram.find("STATUS=", begin + 1);
    std::string_view sent = datagram.substr(begin + std::string_view("STATUS=").size());
    sent = sent.substr(0, sent.find_first_of("\r\n"));
    if (sent.ends_with('\0')) sent.remove_suffix(1);
    if (sent.size() <= sup::max_status_bytes && sup::test::readable(sent))
        require(status == sent, "a status is told as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string datagram(data, data + size);
    const sup::NotifyMessage message = sup::parse_notify_message(datagram);
    require(!message.ready || datagram.find("READY=1") != datagram.npos, "nobody is ready without saying so");
    require(!message.channel || datagram.find("X_SUP_CHANNEL=1") != datagram.npos,
            "nobody has a channel without saying so");
    if (message.status) check_status(*message.status, datagram);
    if (message.extend_timeout) require(message.extend_timeout->count() >= 0, "no timeout is shortened");
    if (datagram.find('\0') == datagram.npos) {
        require(sup::parse_notify_message(datagram + "\n") == message, "a line end more changes nothing");
        require(sup::parse_notify_message(datagram + '\0') == message, "a NUL at the end changes nothing");
    }
    return 0;
}
