#include "master/notify/arguments.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "config/path.h"
#include "master/notify/resolved_value.h"

namespace sup {
namespace {

constexpr std::array<std::string_view, 20> interpreters{
    "python", "pypy", "node", "nodejs", "bun",  "ruby", "perl",    "php",     "java",   "sh",
    "bash",   "dash", "zsh",  "ksh",    "fish", "lua",  "rscript", "escript", "luajit", "guile"};

// What stands before a path in an argument: "--config=" of "--config=/srv/current/app.conf", "-I" of
// "-I/srv/current/lib".
std::string prefix_of(const std::string& argument) {
    if (!argument.starts_with('-')) return {};
    if (argument.size() > 2 && argument[2] == '/') return argument.substr(0, 2);
    const std::size_t equals = argument.find('=');
    // "-agentpath:/srv/current/agent.so" is a list whose first element is no path.
    return argument.substr(0, equals == argument.npos ? 0 : equals + 1);
}

config::Template resolve_one(const config::Template& written, const std::string& folder) {
    const auto text = literal_of(written);
    if (!text) return written;
    const std::string prefix = prefix_of(*text);
    const std::string value = text->substr(prefix.size());
    if (value.find('/') == value.npos) return written;  // a word, or a name in the working directory
    const std::string path = config::absolute_path(folder, value);
    const std::string real = resolved_path(path);
    if (real != path) return config::Template(prefix + real);
    const std::string list = resolved_value(value);
    return list == value ? written : config::Template(prefix + list);
}

// The script that an interpreter is given: the first argument that is a file.
std::optional<NamedFile> script_at(const config::Template& argument, const std::string& folder) {
    const auto text = literal_of(argument);
    if (!text || text->empty() || text->starts_with('-')) return std::nullopt;
    const std::string path = config::absolute_path(folder, *text);
    return is_of_a_process(path) ? std::nullopt : NamedFile::at(path);
}

}  // namespace

bool is_interpreter(const std::string& program) {
    std::string name = program.substr(program.rfind('/') + 1);
    name.resize(name.find_last_not_of("0123456789.-") + 1);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
    return std::ranges::find(interpreters, name) != interpreters.end();
}

Arguments Arguments::resolve(const std::string& program, const std::vector<config::Template>& written,
                             const std::string& folder) {
    Arguments arguments;
    for (const config::Template& argument : written)
        arguments.arguments_.push_back(resolve_one(argument, folder));
    if (!is_interpreter(program)) return arguments;
    for (std::size_t i = 0; i < written.size() && !arguments.script_; ++i) {
        if (auto script = script_at(written[i], folder)) arguments.script_ = {i, std::move(*script)};
    }
    return arguments;
}

std::vector<config::Template> Arguments::now() const {
    std::vector<config::Template> list = arguments_;
    if (!script_) return list;
    const std::string path = script_->file.path_now();
    if (path != script_->file.name()) list[script_->index] = config::Template(path);
    return list;
}

std::optional<std::string> Arguments::change() const {
    if (!script_ || !script_->file.is_changed()) return std::nullopt;
    return script_->file.path_now() + " is not the same script as when its generation was made";
}

}  // namespace sup
