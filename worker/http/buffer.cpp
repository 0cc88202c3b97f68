#include "worker/http/buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "worker/http/poison.h"

namespace sup::http {
namespace {

constexpr std::size_t first_capacity = 4 * 1024UL;

}  // namespace

Memory Memory::of(std::size_t capacity) {
    capacity = std::max(capacity, first_capacity);
    return {std::make_unique_for_overwrite<char[]>(capacity), capacity};
}

Memory BufferPool::take(std::size_t capacity) {
    if (free_.empty() || free_.back().capacity < capacity) return Memory::of(capacity);
    Memory memory = std::move(free_.back());
    free_.pop_back();
    unpoison(memory.bytes.get(), memory.capacity);
    return memory;
}

void BufferPool::give_back(Memory memory) {
    if (memory.capacity > largest_kept || free_.size() >= most_kept) return;
    poison(memory.bytes.get(), memory.capacity);
    free_.push_back(std::move(memory));
}

void Buffer::append(std::initializer_list<std::string_view> parts) {
    std::size_t more = 0;
    for (const std::string_view part : parts) more += part.size();
    if (more == 0) return;
    if (memory_.capacity - end_ < more) make_room(more);
    char* next = memory_.bytes.get() + end_;
    for (const std::string_view part : parts) next += part.copy(next, part.size());
    end_ += more;
}

// What is in the way may be as long as what is moved, not longer, so that moving costs no more than adding
// did.
void Buffer::make_room(std::size_t more) {
    if (begin_ > size() && memory_.capacity - size() >= more) {
        std::memmove(memory_.bytes.get(), memory_.bytes.get() + begin_, size());
        end_ = size();
        begin_ = 0;
        return;
    }
    move_to(pool_.take(std::max(size() + more, memory_.capacity * 2)));
}

void Buffer::move_to(Memory memory) {
    view().copy(memory.bytes.get(), size());
    end_ = size();
    begin_ = 0;
    std::swap(memory_, memory);
    if (memory.bytes != nullptr) pool_.give_back(std::move(memory));
}

void Buffer::consume(std::size_t count) {
    begin_ += count;
    if (empty()) return clear();
    if (memory_.capacity < shrinks_from || size() > memory_.capacity / 4) return;
    move_to(Memory::of(size()));
}

void Buffer::clear() {
    if (memory_.bytes != nullptr) pool_.give_back(std::exchange(memory_, {}));
    begin_ = 0;
    end_ = 0;
}

}  // namespace sup::http
