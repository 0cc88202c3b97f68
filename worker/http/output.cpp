#include "worker/http/output.h"

#include <cstdlib>
#include <utility>

namespace sup::http {

void Output::append(std::initializer_list<std::string_view> parts) {
    if (file_ != nullptr) std::abort();
    const std::size_t before = bytes_.memory();
    bytes_.append(parts);
    budget_.changed(before, bytes_.memory());
}

void Output::append_file(UniqueFd descriptor, off_t offset, std::uint64_t length) {
    if (file_ != nullptr) std::abort();
    if (length == 0) return;
    file_ = std::make_unique<File>(File{std::move(descriptor), offset, length});
}

void Output::consume(std::size_t count) {
    const std::size_t before = bytes_.memory();
    bytes_.consume(count);
    budget_.changed(before, bytes_.memory());
}

void Output::consume_file(std::size_t count) {
    file_->offset += static_cast<off_t>(count);
    file_->left -= count;
    if (file_->left == 0) file_.reset();
}

void Output::clear() {
    consume(bytes_.size());
    file_.reset();
}

}  // namespace sup::http
