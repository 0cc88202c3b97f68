// Bytes in order, in memory that goes back to a pool when there are none: an idle connection holds no buffer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sup::http {

// Keeps the memory of buffers that were used, last in first out, so that a busy server reuses what is in the
// cache.
class BufferPool {
public:
    std::string take();
    void give_back(std::string memory);

private:
    static constexpr std::size_t first_capacity = 4 * 1024UL;
    static constexpr std::size_t largest_kept = 128 * 1024UL;
    static constexpr std::size_t most_kept = 64;

    std::vector<std::string> free_;
};

class Buffer {
public:
    explicit Buffer(BufferPool& pool) : pool_(pool) {}
    ~Buffer() { clear(); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    bool empty() const { return begin_ == bytes_.size(); }
    std::size_t size() const { return bytes_.size() - begin_; }
    std::size_t memory() const { return borrowed_ ? bytes_.capacity() : 0; }
    std::string_view view() const { return std::string_view(bytes_).substr(begin_); }

    // Views into the buffer end with the next call of one of these.
    void append(std::string_view bytes);
    void consume(std::size_t count);
    void clear();

private:
    // From here on memory that is mostly free again is not kept.
    static constexpr std::size_t shrinks_from = 128 * 1024UL;

    BufferPool& pool_;
    std::string bytes_;
    std::size_t begin_ = 0;
    bool borrowed_ = false;
};

}  // namespace sup::http
