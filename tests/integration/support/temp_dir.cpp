#include "tests/integration/support/temp_dir.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <stdexcept>

#include "common/unique_fd.h"

namespace sup::test {

namespace fs = std::filesystem;

TempDir::TempDir() {
    std::string pattern = (fs::temp_directory_path() / "sup-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern + " failed");
    path_ = pattern;
    fs::permissions(path_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
}

TempDir::~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, const std::string& content) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content;
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

void append_file(const fs::path& path, const std::string& content) {
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file << content;
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string read_file(const fs::path& path) {
    // Not a stream: files of /proc fail in the midst of reading when their process goes.
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string content;
    std::array<char, 65536> bytes;
    for (ssize_t size = 0; (size = ::read(file.get(), bytes.data(), bytes.size())) > 0;) {
        content.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return content;
}

void install_copy(const fs::path& program, const fs::path& path) {
    const fs::path beside = path.string() + ".new";
    fs::copy_file(program, beside, fs::copy_options::overwrite_existing);
    fs::rename(beside, path);
}

void install_script(const std::string& text, const fs::path& path) {
    install_file("#!/bin/sh\n" + text + "\n", 0755, path);
}

void install_file(const std::string& content, unsigned mode, const fs::path& path) {
    const fs::path beside = path.string() + ".new";
    write_file(beside, content);
    fs::permissions(beside, static_cast<fs::perms>(mode));
    fs::rename(beside, path);
}

}  // namespace sup::test
