#include "master/files/real_path.h"

#include <cstdlib>
#include <memory>

#include "config/path.h"

namespace sup {
namespace {

struct FreeText {
    void operator()(char* text) const { std::free(text); }
};

std::string last_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

bool may_move(const std::string& path, const std::string& real) {
    return real != path && real != "/usr" + path;
}

}  // namespace

std::string real_path(const std::string& path) {
    const std::unique_ptr<char, FreeText> real(::realpath(path.c_str(), nullptr));
    return real ? std::string(real.get()) : std::string();
}

std::string in_real_folder(const std::string& path) {
    const std::string folder = real_path(config::folder_of(path));
    if (folder.empty()) return path;
    return (folder == "/" ? std::string() : folder) + "/" + last_name(path);
}

bool in_linked_folder(const std::string& path) {
    const std::string plain = config::absolute_path("/", path);
    return may_move(plain, in_real_folder(plain));
}

bool leads_through_link(const std::string& path) {
    const std::string plain = config::absolute_path("/", path);
    return may_move(plain, real_path(plain));
}

}  // namespace sup
