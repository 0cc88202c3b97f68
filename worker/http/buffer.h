// Bytes in order, in memory that goes back to a pool when there are none: an idle connection holds no buffer.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

namespace sup::http {

struct Memory {
    // For at least this many bytes.
    static Memory of(std::size_t capacity);

    std::unique_ptr<char[]> bytes;  // null: none
    std::size_t capacity = 0;
};

// Keeps the memory of buffers that were used, last in first out, so that a busy server reuses what is in the
// cache.
class BufferPool {
public:
    // For at least this many bytes.
    Memory take(std::size_t capacity);
    void give_back(Memory memory);

private:
    static constexpr std::size_t largest_kept = 128 * 1024UL;
    static constexpr std::size_t most_kept = 64;

    std::vector<Memory> free_;
};

class Buffer {
public:
    explicit Buffer(BufferPool& pool) : pool_(pool) {}
    ~Buffer() { clear(); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    bool empty() const { return begin_ == end_; }
    std::size_t size() const { return end_ - begin_; }
    std::size_t memory() const { return memory_.capacity; }
    std::string_view view() const { return {memory_.bytes.get() + begin_, size()}; }

    // Views into the buffer end with the next call of one of these, and none is appended to itself.
    void append(std::string_view bytes) { append({bytes}); }
    void append(std::initializer_list<std::string_view> parts);
    void consume(std::size_t count);
    void clear();

private:
    // From here on memory that is mostly free again is not kept.
    static constexpr std::size_t shrinks_from = 128 * 1024UL;

    void make_room(std::size_t more);
    void move_to(Memory memory);

    BufferPool& pool_;
    Memory memory_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace sup::http
