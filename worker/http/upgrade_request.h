// Whether a request asks to switch to another protocol (RFC 9110, 7.8).
#pragma once

#include <string_view>

#include "sup/http/request.h"

namespace sup::http {

// Not for HTTP/1.0, which has no such thing.
bool asks_for_upgrade(const Request& request, std::string_view protocol);

}  // namespace sup::http
