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

// What may be a path in an argument, and in `before` what stands before it.
std::string value_of(const std::string& argument, std::string& before) {
    if (!argument.starts_with('-')) return argument;
    const std::size_t equals = argument.find('=');
    if (equals == argument.npos) return {};
    before = argument.substr(0, equals + 1);
    return argument.substr(equals + 1);
}

}  // namespace

bool is_interpreter(const std::string& program) {
    std::string name = program.substr(program.rfind('/') + 1);
    name.resize(name.find_last_not_of("0123456789.-") + 1);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
    return std::ranges::find(interpreters, name) != interpreters.end();
}

Arguments::Argument Arguments::resolve_one(const config::Template& written, const std::string& folder) {
    Argument argument{written, {}, {}, {}};
    const auto text = literal(written);
    if (!text) return argument;
    const std::string value = value_of(*text, argument.before);
    if (value.empty()) return argument;
    const std::string path = config::absolute_path(folder, value);
    if (is_of_a_process(path)) return argument;
    const bool may_be_a_word = value.find('/') == value.npos;
    if (is_folder(path)) {
        if (!may_be_a_word && real_path(path) != path) argument.path = real_path(path);
        return argument;
    }
    argument.file = NamedFile::at(path);
    if (argument.file && !may_be_a_word && in_linked_folder(path)) argument.path = argument.file->name();
    return argument;
}

Arguments Arguments::resolve(const std::string& program, const std::vector<config::Template>& written,
                             const std::string& folder) {
    Arguments resolved;
    for (const config::Template& argument : written)
        resolved.arguments_.push_back(resolve_one(argument, folder));
    if (!is_interpreter(program)) return resolved;
    const auto script = std::ranges::find_if(resolved.arguments_, [](const Argument& argument) {
        return argument.before.empty() && argument.file;
    });
    if (script != resolved.arguments_.end()) resolved.script_ = script->file;
    return resolved;
}

std::vector<config::Template> Arguments::now() const {
    std::vector<config::Template> list;
    for (const auto& [written, before, path, file] : arguments_) {
        if (file && file->path_now() != file->name())
            list.emplace_back(before + file->path_now());
        else
            list.push_back(path ? config::Template(before + *path) : written);
    }
    return list;
}

std::optional<std::string> Arguments::change() const {
    if (!script_ || !script_->is_changed()) return std::nullopt;
    return script_->path_now() + " holds another script than when its generation was made";
}

}  // namespace sup
