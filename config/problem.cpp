#include "config/problem.h"

#include "config/display.h"

namespace sup::config {

namespace {

// Room for any path of known keys and the name of a variable; a key may be as long as the file.
constexpr std::size_t longest_pointer = 200;  // bytes

}  // namespace

std::string to_text(const std::string& file, const Problem& problem) {
    std::string text = printable(file);
    if (problem.position.line != 0) {
        text += ':' + std::to_string(problem.position.line) + ':' + std::to_string(problem.position.column);
    }
    if (!problem.pointer.empty()) text += ": " + excerpt(problem.pointer, longest_pointer);
    return text + ": " + problem.message;
}

std::string to_text(const Problems& problems) {
    std::string text;
    for (const Problem& problem : problems.list) {
        if (!text.empty()) text += '\n';
        text += to_text(problems.file, problem);
    }
    if (problems.omitted > 0) {
        text += '\n' + printable(problems.file) + ": and " + std::to_string(problems.omitted) + " more";
    }
    return text;
}

}  // namespace sup::config
