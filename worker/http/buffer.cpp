#include "worker/http/buffer.h"

#include <utility>

namespace sup::http {

std::string BufferPool::take() {
    std::string memory;
    if (free_.empty()) {
        memory.reserve(first_capacity);
    } else {
        memory = std::move(free_.back());
        free_.pop_back();
    }
    return memory;
}

void BufferPool::give_back(std::string memory) {
    if (memory.capacity() > largest_kept || free_.size() >= most_kept) return;
    memory.clear();
    free_.push_back(std::move(memory));
}

void Buffer::append(std::string_view bytes) {
    if (bytes.empty()) return;
    if (!borrowed_) {
        bytes_ = pool_.take();
        borrowed_ = true;
    } else if (begin_ > bytes_.size() / 2) {
        bytes_.erase(0, begin_);
        begin_ = 0;
    }
    bytes_.append(bytes);
}

void Buffer::consume(std::size_t count) {
    begin_ += count;
    if (empty()) return clear();
    if (bytes_.capacity() < shrinks_from || size() > bytes_.capacity() / 4) return;
    bytes_ = std::string(view());
    begin_ = 0;
}

void Buffer::clear() {
    if (borrowed_) pool_.give_back(std::exchange(bytes_, {}));
    borrowed_ = false;
    begin_ = 0;
}

}  // namespace sup::http
