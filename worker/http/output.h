// What waits to be sent on one connection: bytes, and then perhaps a part of a file.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>

#include "common/unique_fd.h"
#include "worker/http/buffer.h"
#include "worker/lifecycle/memory_use.h"

namespace sup::http {

// The memory that all answers of a worker wait in, against what one of its servers lets them take together.
class OutputBudget {
public:
    // In bytes; 0: no limit.
    explicit OutputBudget(std::size_t most) : most_(most) {}

    // With the other servers of the worker. Before anything has changed.
    void share(std::shared_ptr<worker::MemoryUse> use) { use_ = std::move(use); }
    // The memory of one who holds some.
    void changed(std::size_t before, std::size_t now) {
        if (before != now) use_->changed(before, now);
    }
    std::size_t used() const { return use_->bytes(); }
    // Who has something waiting may not add to it.
    bool over() const { return most_ != 0 && used() > most_; }
    // Nobody may: many large answers came at once. One, however large, makes nobody wait.
    bool far_over() const { return most_ != 0 && (used() - use_->largest()) / 2 > most_; }
    // Handlers do not heed what write() says, or one answer is that large.
    bool used_twice() const { return most_ != 0 && used() / 2 > most_; }
    // What each of those who hold something may have for itself.
    std::size_t fair_part() const { return most_ / std::max<std::size_t>(1, use_->holders()); }

private:
    std::size_t most_;
    std::shared_ptr<worker::MemoryUse> use_ = std::make_shared<worker::MemoryUse>();
};

class Output {
public:
    struct File {
        UniqueFd descriptor;  // of a regular file
        off_t offset = 0;
        std::uint64_t left = 0;  // in bytes, never 0
    };

    Output(BufferPool& pool, OutputBudget& budget) : bytes_(pool), budget_(budget) {}
    ~Output() { clear(); }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    bool empty() const { return bytes_.empty() && file_ == nullptr; }
    // In bytes, the file's among them.
    std::uint64_t left() const { return bytes_.size() + (file_ != nullptr ? file_->left : 0); }
    // Of these only bytes take memory.
    std::size_t size() const { return bytes_.size(); }
    std::string_view bytes() const { return bytes_.view(); }
    // Null when there is none. It leaves after the bytes.
    const File* file() const { return file_.get(); }

    // Not while a file waits: nothing can follow it before it has left.
    void append(std::string_view bytes) { append({bytes}); }
    void append(std::initializer_list<std::string_view> parts);
    // Takes `length` bytes of a regular file from `offset` on. Not while another waits.
    void append_file(UniqueFd descriptor, off_t offset, std::uint64_t length);
    // So many bytes have left …
    void consume(std::size_t count);
    // … of the file.
    void consume_file(std::size_t count);
    void clear();

private:
    Buffer bytes_;
    std::unique_ptr<File> file_;
    OutputBudget& budget_;
};

}  // namespace sup::http
