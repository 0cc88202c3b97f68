// The arguments of a generation's command, resolved once: those that name a file or a folder through a
// symbolic link name the one that was meant when the generation was made.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/template.h"
#include "master/spawn/named_file.h"

namespace sup {

// Whether this is the name, or the path, of a program that is given a script: python3.11, node, ruby, java.
bool is_interpreter(const std::string& program);

class Arguments {
public:
    // `program` is the command's first element, `folder` the real path of the worker's working directory.
    // What has a placeholder, or names nothing, stays as it is. Of "--key=value" the value counts. Of a file
    // the folder is resolved, and the last name stays.
    static Arguments resolve(const std::string& program, const std::vector<config::Template>& written,
                             const std::string& folder);

    // As they are to be given to a worker that starts now. Only an interpreter's script differs from what it
    // was: see NamedFile::path_now().
    std::vector<config::Template> now() const;

    // Why the script that an interpreter is given is not the one that was there then; see
    // Executable::change().
    std::optional<std::string> change() const;

private:
    struct Script {
        std::size_t index;  // in arguments_
        NamedFile file;
    };

    std::vector<config::Template> arguments_;  // resolved
    std::optional<Script> script_;
};

}  // namespace sup
