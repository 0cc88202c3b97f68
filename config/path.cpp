#include "config/path.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace sup::config {
namespace {

bool is_real_directory(const std::string& path) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void append(std::string& path, std::string_view component) {
    if (component.empty() || component == ".") return;
    if (component == ".." && path == "/") return;
    const bool last_is_up = path == "/.." || path.ends_with("/..");
    if (component == ".." && !last_is_up && is_real_directory(path)) {
        path = folder_of(path);
        return;
    }
    if (path != "/") path += '/';
    path += component;
}

// As the shell shows it, through symbolic links (PWD); empty where that is not the folder that this process
// is in.
std::string working_directory_of_the_user() {
    const char* shown = std::getenv("PWD");
    struct stat there {};
    struct stat here {};
    if (shown == nullptr || *shown != '/' || ::stat(shown, &there) != 0 || ::stat(".", &here) != 0) return {};
    return there.st_dev == here.st_dev && there.st_ino == here.st_ino ? shown : std::string();
}

}  // namespace

std::string absolute_path(const std::string& folder, const std::string& path) {
    std::string result = path.starts_with('/') ? "/" : folder;
    std::size_t begin = 0;
    while (begin <= path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        append(result, std::string_view(path).substr(begin, end - begin));
        begin = end + 1;
    }
    return result;
}

Result<std::string> absolute_path(const std::string& path) {
    if (path.starts_with('/')) return absolute_path("/", path);
    const std::string users = working_directory_of_the_user();
    if (!users.empty()) return absolute_path(absolute_path("/", users), path);
    std::error_code problem;
    const std::filesystem::path here = std::filesystem::current_path(problem);
    if (problem) return Error{"the working directory is gone: " + problem.message()};
    return absolute_path(here.string(), path);
}

std::string folder_of(const std::string& absolute) {
    const std::size_t slash = absolute.rfind('/');
    return slash == 0 ? "/" : absolute.substr(0, slash);
}

}  // namespace sup::config
