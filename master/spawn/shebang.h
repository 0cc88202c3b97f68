// The first line of a script, read as the kernel reads it (execve(2), "Interpreter scripts").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace sup {

// The kernel looks at no more of a file (BINPRM_BUF_SIZE).
inline constexpr std::size_t most_of_a_first_line = 256;

struct Shebang {
    std::string interpreter;              // as written: absolute, or relative to the working directory
    std::optional<std::string> argument;  // all that follows, as one argument
};

// `start`: the file's first bytes, at most `most_of_a_first_line` of them. None when they do not begin with
// "#!"; an error, in words that may follow the file's name and a colon, when exec refuses the line, or runs
// an interpreter that nobody has (a name that ends with \r).
Result<std::optional<Shebang>> read_shebang(std::string_view start);

// What `#!/usr/bin/env` will look up in PATH: "python3" of `env python3` and of `env -S python3 -u`. None
// when the interpreter is not env, or when env is told more than that.
struct EnvCommand {
    std::string name;
    std::vector<std::string> arguments;
};
std::optional<EnvCommand> read_env_command(const Shebang& shebang);

}  // namespace sup
