// What waits to be sent on one connection: bytes, and then perhaps a part of a file.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "common/unique_fd.h"
#include "worker/http/buffer.h"

namespace sup::http {

// The memory that all answers of one server wait in, against what they may take together.
class OutputBudget {
public:
    // In bytes; 0: without a bound.
    explicit OutputBudget(std::size_t most) : most_(most) {}

    void changed(std::size_t before, std::size_t now) { used_ += now - before; }
    std::size_t used() const { return used_; }
    // Who has something waiting may not add to it.
    bool over() const { return most_ != 0 && used_ > most_; }
    // Nobody may: handlers do not heed what write() says, or many large answers came at once.
    bool far_over() const { return most_ != 0 && used_ / 2 > most_; }

private:
    std::size_t most_;
    std::size_t used_ = 0;
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
