#include "master/notify/resolved_value.h"

#include <sys/stat.h>

#include "master/files/real_path.h"

namespace sup {
namespace {

bool is_folder(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_file(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// What follows the scheme of a URL is no path, though it begins like one.
bool is_absolute(const std::string& text) {
    return text.starts_with('/') && !text.starts_with("//");
}

std::string resolved_element(const std::string& text) {
    return is_absolute(text) ? resolved_path(text) : text;
}

}  // namespace

bool is_of_a_process(const std::string& path) {
    return path.starts_with("/dev/") || path.starts_with("/proc/");
}

std::optional<std::string> literal_of(const config::Template& written) {
    std::string text;
    for (const config::Piece& piece : written.pieces()) {
        const auto* words = std::get_if<std::string>(&piece);
        if (words == nullptr) return std::nullopt;
        text += *words;
    }
    return text;
}

std::string resolved_path(const std::string& path) {
    if (is_of_a_process(path)) return path;
    if (is_folder(path)) return leads_through_link(path) ? real_path(path) : path;
    return is_file(path) && in_linked_folder(path) ? in_real_folder(path) : path;
}

std::string resolved_value(const std::string& text) {
    if (is_folder(text) || is_file(text)) return resolved_element(text);  // a name with a colon in it
    std::string list;
    for (std::size_t begin = 0;;) {
        const std::size_t colon = text.find(':', begin);
        list += resolved_element(text.substr(begin, colon - begin));
        if (colon == text.npos) return list;
        list += ':';
        begin = colon + 1;
    }
}

std::map<std::string, config::Template> resolved_variables(
    std::map<std::string, config::Template> variables) {
    for (auto& [name, value] : variables) {
        const auto text = literal_of(value);
        if (!text) continue;
        if (const std::string resolved = resolved_value(*text); resolved != *text)
            value = config::Template(resolved);
    }
    return variables;
}

}  // namespace sup
