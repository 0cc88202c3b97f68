#include "master/spawn/exec_format.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <vector>

#include "common/unique_fd.h"
#include "master/files/by_descriptor.h"
#include "master/spawn/binary_formats.h"

namespace sup {
namespace {

std::string read_at(int fd, std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    const ssize_t got = ::pread(fd, bytes.data(), size, static_cast<off_t>(offset));
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

template <typename T>
std::optional<T> read_struct(int fd, std::uint64_t offset) {
    const std::string bytes = read_at(fd, offset, sizeof(T));
    if (bytes.size() != sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// Of this very program, which the kernel runs.
std::uint16_t own_machine() {
    const UniqueFd self{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    const auto header = self ? read_struct<ElfW(Ehdr)>(self.get(), 0) : std::nullopt;
    return header ? header->e_machine : std::uint16_t{EM_NONE};
}

std::string machine_name(std::uint16_t machine) {
    switch (machine) {
        case EM_386: return "32-bit x86";
        case EM_X86_64: return "x86-64";
        case EM_ARM: return "32-bit ARM";
        case EM_AARCH64: return "aarch64";
        case EM_RISCV: return "RISC-V";
        case EM_PPC64: return "ppc64";
        case EM_S390: return "s390";
        case EM_LOONGARCH: return "LoongArch";
        default: return "machine number " + std::to_string(machine);
    }
}

// A kernel for x86-64 usually runs 32-bit programs, too.
bool runs_here(std::uint16_t machine) {
    const std::uint16_t own = own_machine();
    return own == EM_NONE || machine == own || (own == EM_X86_64 && machine == EM_386);
}

Error truncated() {
    return Error{
        "the file is incomplete: it ends before what its program headers say (copied while it was "
        "written? put it in place with mv)"};
}

Status check_loader(const std::string& loader) {
    const UniqueFd fd{::open(loader.c_str(), O_PATH | O_CLOEXEC)};
    if (fd && check_may_execute(fd.get())) return Success{};
    const std::string why = fd ? check_may_execute(fd.get()).error().message : std::strerror(errno);
    return Error{"its loader " + loader + ": " + why + " (was it built for another system?)"};
}

template <typename Header, typename Segment>
Status check_segments(int fd, std::uint64_t size) {
    const auto header = read_struct<Header>(fd, 0);
    if (!header) return truncated();
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return Error{"Exec format error: an ELF file, but no program"};
    if (header->e_phentsize != sizeof(Segment) || header->e_phnum == 0)
        return Error{"Exec format error: an ELF file without program headers"};
    for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
        const auto segment = read_struct<Segment>(fd, header->e_phoff + i * sizeof(Segment));
        if (!segment) return truncated();
        if (segment->p_type != PT_LOAD && segment->p_type != PT_INTERP) continue;
        if (segment->p_filesz > size || segment->p_offset > size - segment->p_filesz) return truncated();
        if (segment->p_type != PT_INTERP) continue;
        if (segment->p_filesz < 2 || segment->p_filesz > PATH_MAX)
            return Error{"Exec format error: the name of its loader is not a path"};
        const std::string loader = read_at(fd, segment->p_offset, segment->p_filesz);
        if (Status there = check_loader(loader.c_str()); !there) return there;
    }
    return Success{};
}

Status check_elf(int fd, std::uint64_t size, std::string_view start) {
    if (start.size() < sizeof(Elf32_Ehdr)) return truncated();
    constexpr unsigned char own_order =
        std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    const bool same_order = static_cast<unsigned char>(start[EI_DATA]) == own_order;
    const auto header = read_struct<Elf32_Ehdr>(fd, 0);  // e_machine is at the same place in both classes
    if (!same_order || !runs_here(header->e_machine)) {
        if (is_registered(start)) return Success{};
        const std::string machine = same_order ? machine_name(header->e_machine) : "another byte order";
        return Error{"Exec format error: a program for " + machine + ", and this machine is " +
                     machine_name(own_machine())};
    }
    if (start[EI_CLASS] == ELFCLASS64) return check_segments<Elf64_Ehdr, Elf64_Phdr>(fd, size);
    if (start[EI_CLASS] == ELFCLASS32) return check_segments<Elf32_Ehdr, Elf32_Phdr>(fd, size);
    return Error{"Exec format error: an ELF file that is neither 32-bit nor 64-bit"};
}

Result<ExecFile> examine(int fd, const std::string& folder, int depth);

Status check_interpreter(const std::string& interpreter, const std::string& folder, int depth) {
    const std::string path = interpreter.starts_with('/') ? interpreter : folder + "/" + interpreter;
    const auto refuse = [&](const std::string& why) {
        return Error{"its interpreter " + interpreter + ": " + why};
    };
    const UniqueFd fd{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!fd) return refuse(std::strerror(errno));
    if (Status may = check_may_execute(fd.get()); !may) return refuse(may.error().message);
    if (depth >= most_interpreters) return refuse("too many interpreters of interpreters");
    const auto examined = examine(fd.get(), folder, depth + 1);
    return examined ? Status{Success{}} : Status{refuse(examined.error().message)};
}

Error no_format(std::string_view start) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    const std::string what = "Exec format error: ";
    if (start.starts_with(byte_order_mark) && start.substr(byte_order_mark.size()).starts_with("#!"))
        return Error{what + "there is a byte order mark before #! (save the script as UTF-8 without BOM)"};
    return Error{what + "neither a program for this machine nor a script that begins with #!"};
}

Result<ExecFile> examine(int fd, const std::string& folder, int depth) {
    const UniqueFd file{::open(path_of(fd).c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return ExecFile{};
    if (status.st_size == 0) return Error{"Exec format error: the file is empty"};
    const std::string start = read_at(file.get(), 0, most_of_a_first_line);
    if (std::string_view(start).starts_with(std::string_view{ELFMAG, SELFMAG})) {
        const Status elf = check_elf(file.get(), static_cast<std::uint64_t>(status.st_size), start);
        if (!elf) return elf.error();
        return ExecFile{};
    }
    auto shebang = read_shebang(start);
    if (!shebang) return shebang.error();
    if (*shebang) {
        if (Status runs = check_interpreter((*shebang)->interpreter, folder, depth); !runs)
            return runs.error();
        return ExecFile{ExecFormat::script, std::move(**shebang)};
    }
    if (is_registered(start)) return ExecFile{ExecFormat::other, {}};
    return no_format(start);
}

}  // namespace

Result<ExecFile> examine_executable(int fd, const std::string& folder) {
    return examine(fd, folder, 0);
}

Status check_may_execute(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return Error{std::strerror(errno)};
    if (S_ISDIR(status.st_mode)) return Error{"Is a directory"};
    if (!S_ISREG(status.st_mode)) return Error{"Not a regular file"};
    if (::faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0) return Success{};
    if (errno != EACCES) return Error{std::strerror(errno)};
    struct statvfs place {};
    if (::fstatvfs(fd, &place) == 0 && (place.f_flag & ST_NOEXEC) != 0)
        return Error{"Permission denied (its file system is mounted noexec)"};
    const bool has_bit = (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
    return Error{has_bit ? "Permission denied (not executable for this user)"
                         : "Permission denied (it is not executable: chmod +x)"};
}

}  // namespace sup
