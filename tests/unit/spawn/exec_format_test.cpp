#include "master/spawn/exec_format.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>

#include <cstring>
#include <filesystem>

#include "master/spawn/binary_formats.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;

namespace {

class Files {
public:
    std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
    std::string write(const std::string& name, const std::string& content, mode_t mode = 0755) const {
        write_file(path(name), content, mode);
        return path(name);
    }
    // Why the file is refused; empty when it is not.
    std::string refusal(const std::string& name) const {
        const UniqueFd fd{::open(path(name).c_str(), O_PATH | O_CLOEXEC)};
        const auto examined = examine_executable(fd.get(), folder_.path());
        return examined ? std::string() : examined.error().message;
    }
    std::string refusal_of(const std::string& content) const {
        write("file", content);
        return refusal("file");
    }

private:
    TemporaryDirectory folder_;
};

// The test program that spawn_test runs, to be spoiled.
class Elf {
public:
    Elf() : bytes(read_file(SPAWN_PROBE)) {}
    template <typename T>
    T& at(std::size_t offset) {
        return *reinterpret_cast<T*>(bytes.data() + offset);
    }
    ElfW(Ehdr) & header() { return at<ElfW(Ehdr)>(0); }
    // The segment of this type; there must be one.
    ElfW(Phdr) & segment(unsigned type) {
        for (std::size_t i = 0; i < header().e_phnum; ++i) {
            auto& found = at<ElfW(Phdr)>(header().e_phoff + i * sizeof(ElfW(Phdr)));
            if (found.p_type == type) return found;
        }
        throw std::logic_error("no such segment");
    }

    std::string bytes;
};

}  // namespace

TEST_CASE("a program and a script that can be run are distinguished") {
    const Files files;
    files.write("script", "#! /bin/sh -e \necho\n");
    const UniqueFd script{::open(files.path("script").c_str(), O_PATH | O_CLOEXEC)};
    const auto found = examine_executable(script.get(), "/");
    REQUIRE(found);
    CHECK(found->format == ExecFormat::script);
    CHECK(found->shebang.interpreter == "/bin/sh");
    CHECK(found->shebang.argument == "-e");
    CHECK(files.refusal_of(Elf().bytes).empty());
}

TEST_CASE("what exec refuses, or runs only to see it die, is refused with the reason") {
    const Files files;
    Elf elf;

    SECTION("empty, plain text, a byte order mark") {
        CHECK(files.refusal_of("") == "Exec format error: the file is empty");
        CHECK_THAT(files.refusal_of("echo hi\n"), Contains("nor a script that begins with #!"));
        CHECK_THAT(files.refusal_of("\xEF\xBB\xBF#!/bin/sh\n"), Contains("byte order mark"));
    }
    SECTION("first lines that name no interpreter") {
        CHECK_THAT(files.refusal_of("#!\n"), Contains("names no interpreter"));
        CHECK_THAT(files.refusal_of("#! \t \n"), Contains("names no interpreter"));
        CHECK_THAT(files.refusal_of("#!/" + std::string(300, 'x') + "\n"), Contains("256 bytes"));
        CHECK(files.refusal_of("#!/bin/sh " + std::string(300, ' ') + "\n").empty());
    }
    SECTION("line ends of Windows, in the interpreter's name and in its argument") {
        CHECK_THAT(files.refusal_of("#!/bin/sh\r\necho\r\n"), Contains("\\r\\n"));
        CHECK_THAT(files.refusal_of("#!/usr/bin/env sh\r\n"), Contains("\\r\\n"));
        CHECK(files.refusal_of("#!/bin/sh\necho a\r\n").empty());
    }
    SECTION("interpreters that cannot be run") {
        CHECK(files.refusal_of("#!/no/such/sh\n") ==
              "its interpreter /no/such/sh: No such file or directory");
        CHECK_THAT(files.refusal_of("#!/etc\n"), Contains("its interpreter /etc: Is a directory"));
        const std::string plain = files.write("plain", "#!/bin/sh\n", 0644);
        CHECK_THAT(files.refusal_of("#!" + plain + "\n"), Contains("chmod +x"));
        files.write("gone", "#!/no/such/sh\n");
        CHECK_THAT(files.refusal_of("#!" + files.path("gone") + "\n"), Contains("/no/such/sh: No such file"));
        files.write("self", "#!" + files.path("self") + "\n");
        CHECK_THAT(files.refusal("self"), Contains("too many interpreters"));
    }
    SECTION("a relative interpreter starts at the working directory") {
        CHECK_THAT(files.refusal_of("#!./sh\n"), Contains("its interpreter ./sh: No such file"));
        files.write("sh", "#!/bin/sh\n");
        CHECK(files.refusal_of("#!./sh\n").empty());
    }
    SECTION("a program for another machine") {
        elf.header().e_machine = EM_AARCH64 == elf.header().e_machine ? EM_X86_64 : EM_AARCH64;
        if (is_registered(elf.bytes.substr(0, most_of_a_first_line)))
            return skip("an emulator runs programs of that machine here");
        CHECK_THAT(files.refusal_of(elf.bytes),
                   Contains("Exec format error: a program for") && Contains("and this machine is"));
    }
    SECTION("a program that was cut short") {
        CHECK_THAT(files.refusal_of(elf.bytes.substr(0, 20)), Contains("incomplete"));
        CHECK_THAT(files.refusal_of(elf.bytes.substr(0, sizeof(ElfW(Ehdr)))), Contains("incomplete"));
        CHECK_THAT(files.refusal_of(elf.bytes.substr(0, 4096)), Contains("incomplete"));
        auto& last = elf.segment(PT_LOAD);
        last.p_filesz = elf.bytes.size() + 1;
        CHECK_THAT(files.refusal_of(elf.bytes), Contains("incomplete"));
    }
    SECTION("offsets that overflow") {
        elf.segment(PT_LOAD).p_offset = ~ElfW(Off){0} - 1;
        CHECK_THAT(files.refusal_of(elf.bytes), Contains("incomplete"));
    }
    SECTION("an object file, and one without segments") {
        elf.header().e_type = ET_REL;
        CHECK_THAT(files.refusal_of(elf.bytes), Contains("no program"));
        elf.header().e_type = ET_DYN;
        elf.header().e_phnum = 0;
        CHECK_THAT(files.refusal_of(elf.bytes), Contains("without program headers"));
    }
    SECTION("a program whose loader is missing") {
        elf.at<char>(elf.segment(PT_INTERP).p_offset + 1) = '_';
        CHECK_THAT(files.refusal_of(elf.bytes),
                   Contains("its loader /_") && Contains("No such file") && Contains("another system"));
    }
}

TEST_CASE("env's command is known where env is told no more than that") {
    const auto command = [](const std::string& argument) {
        const auto found = read_env_command({"/usr/bin/env", argument});
        std::string text = found ? found->name : "none";
        if (found) {
            for (const std::string& word : found->arguments) text += "|" + word;
        }
        return text;
    };
    CHECK(command("python3") == "python3");
    CHECK(command("-S python3 -u  x") == "python3|-u|x");
    CHECK(command("-Snode --flag") == "node|--flag");
    CHECK(command("-i sh") == "none");
    CHECK(command("A=1") == "none");
    CHECK(command("-S A=1 sh") == "none");
    CHECK(command("-S sh -c 'a b'") == "none");
    CHECK(command("-S") == "none");
    CHECK_FALSE(read_env_command({"/usr/bin/env", {}}));
    CHECK_FALSE(read_env_command({"/usr/bin/python3", "x"}));
}

TEST_CASE("a format that an interpreter is registered for is known by its first bytes") {
    const Files formats;
    formats.write("emulator",
                  "enabled\ninterpreter /bin/emulator\nflags: F\noffset 2\nmagic 4142ff\nmask ffff00\n");
    formats.write("off", "disabled\ninterpreter /bin/x\noffset 0\nmagic 5a5a\n");
    formats.write("by-name", "enabled\ninterpreter /bin/x\nextension .x\n");
    const std::string folder = formats.path("");
    CHECK(is_registered("..AB?", folder));
    CHECK_FALSE(is_registered("..AC?", folder));
    CHECK_FALSE(is_registered("..AB", folder));
    CHECK_FALSE(is_registered("ZZ", folder));
    CHECK_FALSE(is_registered("", folder));
    CHECK_FALSE(is_registered("..AB?", "/no/such/folder"));
}
