// Whether a request asks to go on with another protocol (RFC 9110, 7.8).
#pragma once

#include <string_view>

#include "sup/http/request.h"

namespace sup::http {

// Not said of HTTP/1.0, which knows no such thing.
bool asks_for_upgrade(const Request& request, std::string_view protocol);

}  // namespace sup::http
