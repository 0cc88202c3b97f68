#include "master/spawn/shebang.h"

#include <algorithm>

namespace sup {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = std::min(text.find_first_not_of(blanks), text.size());
    const std::size_t end = text.find_last_not_of(blanks) + 1;
    return first < end ? text.substr(first, end - first) : std::string_view{};
}

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> list;
    while (!(text = trimmed(text)).empty()) {
        const std::size_t end = std::min(text.find_first_of(blanks), text.size());
        list.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return list;
}

}  // namespace

Result<std::optional<Shebang>> read_shebang(std::string_view start) {
    if (!start.starts_with("#!")) return std::optional<Shebang>{};
    const std::size_t end = start.find('\n');
    const bool cut = end == start.npos && start.size() >= most_of_a_first_line;
    // The kernel cuts at the first NUL, too.
    const std::string_view whole = start.substr(2, std::min(end, start.size()) - 2);
    const std::string_view text = whole.substr(0, std::min(whole.find('\0'), whole.size()));
    const std::size_t name_begin = std::min(text.find_first_not_of(blanks), text.size());
    if (cut && text.find_first_of(blanks, name_begin) == text.npos)
        return Error{"Exec format error: its first line is longer than the " +
                     std::to_string(most_of_a_first_line) + " bytes that the kernel reads"};
    const std::string_view line = trimmed(text);
    const std::size_t name_end = line.find_first_of(blanks);
    if (line.empty()) return Error{"Exec format error: its first line names no interpreter after #!"};
    if (line.ends_with('\r'))
        return Error{
            "its first line ends with \\r\\n, as Windows writes it, so that the interpreter's name or "
            "argument "
            "ends with \\r (write the file with plain \\n: sed -i 's/\\r$//')"};
    Shebang shebang{std::string(line.substr(0, std::min(name_end, line.size()))), {}};
    if (name_end != line.npos) shebang.argument = std::string(trimmed(line.substr(name_end)));
    return std::optional{std::move(shebang)};
}

std::optional<EnvCommand> read_env_command(const Shebang& shebang) {
    if (!shebang.interpreter.ends_with("/env") || !shebang.argument) return std::nullopt;
    std::vector<std::string> told{*shebang.argument};
    if (told.front().starts_with("-S")) {
        told = words(std::string_view(told.front()).substr(2));
        // Quotes, escapes and variables are env's own affair.
        const auto is_special = [](const std::string& word) {
            return word.find_first_of("\"'\\$#") != std::string::npos;
        };
        if (told.empty() || std::ranges::any_of(told, is_special)) return std::nullopt;
    }
    if (told.front().starts_with('-') || told.front().find('=') != std::string::npos) return std::nullopt;
    EnvCommand command{told.front(), {told.begin() + 1, told.end()}};
    return command;
}

}  // namespace sup
