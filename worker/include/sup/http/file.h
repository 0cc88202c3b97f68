// A file as an answer, and a body as a file: see Response::send_file() and Request::save_body().
#pragma once

#include <string_view>

namespace sup::http {

struct FileOptions {
    std::string_view content_type = "application/octet-stream";
    // With its quotes: "\"v1\"". Empty, or not of that form: one is made of the file's size and time of
    // change.
    std::string_view etag = {};
    // Whether a client may ask for a part of it.
    bool ranges = true;
};

}  // namespace sup::http
