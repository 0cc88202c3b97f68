// What the worker library says on stderr while this lives.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "common/unique_fd.h"

namespace sup::test {

class CapturedLog {
public:
    CapturedLog() : before_(::dup(STDERR_FILENO)), file_(make_file()) { ::dup2(file_.get(), STDERR_FILENO); }
    ~CapturedLog() { ::dup2(before_.get(), STDERR_FILENO); }
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;

    std::string text() const {
        std::string all(static_cast<std::size_t>(::lseek(file_.get(), 0, SEEK_END)), '\0');
        all.resize(static_cast<std::size_t>(::pread(file_.get(), all.data(), all.size(), 0)));
        return all;
    }

private:
    static int make_file() {
        std::string path = "/tmp/sup-log-XXXXXX";
        const int file = ::mkstemp(path.data());
        ::unlink(path.c_str());
        return file;
    }

    UniqueFd before_;
    UniqueFd file_;
};

}  // namespace sup::test
