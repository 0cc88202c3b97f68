// Mistakes of handlers. The call that makes one says so by returning false, and the log says once what was
// wrong and what to do: not each time, as a client may be able to cause it.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sup::http {

class Request;

enum class Misuse : std::uint8_t {
    own_header,
    bad_name,
    bad_value,
    second_type,
    second_validator,
    bad_etag,
    range_header,
    late_header,
    bad_status,
    second_answer,
    unwanted_body,
    early_write,
    late_write,
    too_long,
    too_short,
    early_end,
    late_end,
    bad_inform,
    late_inform,
    late_read,
    no_file,
    late_detach,
    no_answer,
    unfinished,
};

class MisuseLog {
public:
    // Says what happened in the first case of its kind; `what` is the name or number that was wrong, if any.
    void tell(Misuse kind, const Request& request, std::string_view what = {});

private:
    static constexpr std::size_t kinds = static_cast<std::size_t>(Misuse::unfinished) + 1;

    std::bitset<kinds> told_;
};

}  // namespace sup::http
