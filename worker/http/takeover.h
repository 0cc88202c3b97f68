// How a connection continues with a protocol other than HTTP.
#pragma once

#include <functional>
#include <string>

#include "common/unique_fd.h"

namespace sup::http {

// Gets the socket, whose owner it is then, the listener that it came by, and what was read from the client
// and not used. Called once, in the loop's thread, when all that was answered in HTTP has left; never, when
// the connection ends before.
using Takeover = std::function<void(UniqueFd socket, const std::string& listener, std::string unread)>;

}  // namespace sup::http
