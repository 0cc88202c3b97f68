#include "worker/http/upgrade_request.h"

#include "worker/http/list.h"

namespace sup::http {
namespace {

bool lists(const Request& request, std::string_view name, std::string_view wanted) {
    for (std::string_view rest : request.headers(name)) {
        while (!rest.empty()) {
            if (equal_ignoring_case(next_in_list(rest), wanted)) return true;
        }
    }
    return false;
}

}  // namespace

bool asks_for_upgrade(const Request& request, std::string_view protocol) {
    return request.minor_version() >= 1 && lists(request, "Connection", "upgrade") &&
           lists(request, "Upgrade", protocol);
}

}  // namespace sup::http
