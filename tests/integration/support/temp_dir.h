// A directory of the test's own, removed with everything in it.
#pragma once

#include <filesystem>
#include <string>

namespace sup::test {

class TempDir {
public:
    TempDir();  // short path: unix socket addresses have 108 bytes
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

// Whole files, in one go.
void write_file(const std::filesystem::path& path, const std::string& content);
void append_file(const std::filesystem::path& path, const std::string& content);
std::string read_file(const std::filesystem::path& path);  // empty when there is none

// Puts a program at `path` the way a deployment does: written beside it, then renamed over it.
void install_copy(const std::filesystem::path& program, const std::filesystem::path& path);
void install_script(const std::string& text, const std::filesystem::path& path);
void install_file(const std::string& content, unsigned mode, const std::filesystem::path& path);

}  // namespace sup::test
