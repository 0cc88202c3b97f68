// The arguments of a generation's command, resolved once: those that name a file or a folder through a
// symbolic link name the one that was meant when the generation was made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/template.h"
#include "master/process/named_file.h"

namespace sup {

// Whether this is the name, or the path, of a program that is given a script: python3.11, node, ruby, java.
bool is_interpreter(const std::string& program);

class Arguments {
public:
    // `program` is the command's first element, `folder` the real path of the worker's working directory.
    // What has a placeholder, or names nothing, stays as it is. Of "--key=value" the value counts.
    static Arguments resolve(const std::string& program, const std::vector<config::Template>& written,
                             const std::string& folder);

    // As they are to be given to a worker that starts now.
    std::vector<config::Template> now() const;

    // Why the script that an interpreter is given is not the one that was there then; see
    // Executable::change().
    std::optional<std::string> change() const;

private:
    struct Argument {
        config::Template written;
        std::string before;               // "--config=" of "--config=/srv/current/app.conf"
        std::optional<std::string> path;  // in place of what was written after it
        std::optional<NamedFile> file;
    };
    static Argument resolve_one(const config::Template& written, const std::string& folder);

    std::vector<Argument> arguments_;
    std::optional<NamedFile> script_;
};

}  // namespace sup
