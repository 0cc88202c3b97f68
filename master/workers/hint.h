// What a person can do about a worker that failed, where its last words give it away.
#pragma once

#include <string>
#include <vector>

namespace sup {

// Of a worker that could not bind an address because it is in use: that sup holds it, and where the worker
// finds it instead. Empty when it says no such thing, or names another port than those of `addresses`
// ("127.0.0.1:80", "unix:/run/x.sock"; in the order of the descriptors). `first_descriptor`: where they
// begin.
std::string hint_about_address_in_use(const std::vector<std::string>& last_lines,
                                      const std::vector<std::string>& addresses, int first_descriptor);

}  // namespace sup
