// Whether exec(2) can run a file, found out before anything depends on it. The kernel says little
// ("Exec format error"), or nothing at all: a program that was cut short starts, and dies.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "master/spawn/shebang.h"

namespace sup {

// As many interpreters of interpreters as the kernel follows.
inline constexpr int most_interpreters = 5;

enum class ExecFormat {
    program,  // ELF
    script,   // #!
    other     // what an interpreter is registered for (binfmt_misc)
};

struct ExecFile {
    ExecFormat format = ExecFormat::program;
    Shebang shebang{};  // of a script
};

// `fd` is open on the file, with O_PATH or otherwise; `folder` is where a relative interpreter starts: the
// worker's working directory. A file that cannot be read is taken for a program: an interpreter could not
// read a script either. The error's words may follow the file's name and a colon.
Result<ExecFile> examine_executable(int fd, const std::string& folder);

// What keeps exec from running the file at `path`, as far as its kind, its permissions and its file system
// tell: "Is a directory", "it is not executable (chmod +x)". `fd` is open on it, with O_PATH.
Status check_may_execute(int fd);

}  // namespace sup
