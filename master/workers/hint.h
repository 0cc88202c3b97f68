// What a person can do about a worker that failed, where its last words give it away.
#pragma once

#include <string>
#include <vector>

namespace sup {

// For a worker that could not bind an address because it is in use: that sup holds it, and where the worker
// finds it instead. Empty if its last words say no such thing, or name a port that is not in `addresses`
// ("127.0.0.1:80", "unix:/run/x.sock"; in the order of the descriptors). `first_descriptor`: the
// first of these.
std::string hint_about_address_in_use(const std::vector<std::string>& last_lines,
                                      const std::vector<std::string>& addresses, int first_descriptor);

}  // namespace sup
