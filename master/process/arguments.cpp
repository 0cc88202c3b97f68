#include "master/process/arguments.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "config/path.h"
#include "master/process/real_path.h"

namespace sup {
namespace {

constexpr std::array<std::string_view, 20> interpreters{
    "python", "pypy", "node", "nodejs", "bun",  "ruby", "perl",    "php",     "java",   "sh",
    "bash",   "dash", "zsh",  "ksh",    "fish", "lua",  "rscript", "escript", "luajit", "guile"};

// Without placeholders: what it says. None otherwise.
std::optional<std::string> literal(const config::Template& argument) {
    std::string text;
    for (const config::Piece& piece : argument.pieces()) {
        const auto* words = std::get_if<std::string>(&piece);
        if (words == nullptr) return std::nullopt;
        text += *words;
    }
    return text;
}

bool is_folder(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// /dev/stdout and the like mean another file to each process.
bool is_of_a_process(const std::string& path) {
    return path.starts_with("/dev/") || path.starts_with("/proc/");
}

bool is_file(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// What stands before a path in an argument: "--config=" of "--config=/srv/current/app.conf". None when there
// can be no path.
std::optional<std::string> prefix_of(const std::string& argument) {
    if (!argument.starts_with('-')) return std::string();
    const std::size_t equals = argument.find('=');
    if (equals == argument.npos) return std::nullopt;
    return argument.substr(0, equals + 1);
}

// The path without links that may move; `path` itself where it is none, or leads through none.
std::string resolved(const std::string& path) {
    if (is_of_a_process(path)) return path;
    if (is_folder(path)) return leads_through_link(path) ? real_path(path) : path;
    return is_file(path) && in_linked_folder(path) ? in_real_folder(path) : path;
}

config::Template resolve_one(const config::Template& written, const std::string& folder) {
    const auto text = literal(written);
    const auto prefix = text ? prefix_of(*text) : std::nullopt;
    if (!prefix) return written;
    const std::string value = text->substr(prefix->size());
    if (value.find('/') == value.npos) return written;  // a word, or a name in the working directory
    const std::string path = config::absolute_path(folder, value);
    const std::string real = resolved(path);
    return real == path ? written : config::Template(*prefix + real);
}

// The script that an interpreter is given: the first argument that is a file.
std::optional<NamedFile> script_at(const config::Template& argument, const std::string& folder) {
    const auto text = literal(argument);
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
    return script_->file.path_now() + " holds another script than when its generation was made";
}

}  // namespace sup
