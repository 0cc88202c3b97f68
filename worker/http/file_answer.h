// Which answer a request for a file gets: all of it, a part, or word that the client already has it (RFC
// 9110, 13 and 14).
#pragma once

#include <cstdint>
#include <ctime>
#include <string_view>

#include "sup/http/request.h"

namespace sup::http {

struct FileFacts {
    std::uint64_t size = 0;
    std::time_t modified = 0;
    std::string_view etag;
};

struct FilePart {
    int status = 200;  // 200, 206, 304, 412 or 416
    std::uint64_t first = 0;
    std::uint64_t length = 0;
};

FilePart judge_file(const Request& request, const FileFacts& file, bool ranges, std::time_t now);

}  // namespace sup::http
