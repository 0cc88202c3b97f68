// What a request is for: the target of its request line, and the authority in there or in Host.
#pragma once

#include <string_view>

#include "sup/http/request.h"

namespace sup::http {

// host[:port] (RFC 3986, 3.2.2 and 3.2.3), without userinfo; "" and ":80" are authorities, too.
bool is_authority(std::string_view text);

// Judges a target by its form (RFC 9112, 3.2): 0, or the status to refuse it with. Sets `authority` to that
// of a target in absolute form, and to "" for the other forms.
int judge_target(Method method, std::string_view target, std::string_view& authority);

}  // namespace sup::http
