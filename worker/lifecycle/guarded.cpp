#include "worker/lifecycle/guarded.h"

#include <string>

#include "common/safe_text.h"
#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

constexpr std::size_t longest_text = 1024;

std::string text_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
        return safe_text(exception.what(), longest_text);
    } catch (...) {
        return "something that is not a std::exception";
    }
}

}  // namespace

void tell_thrown(std::string_view who, const std::exception_ptr& thrown) {
    log_line(std::string(who) + " threw: " + text_of(thrown));
}

}  // namespace sup::worker
