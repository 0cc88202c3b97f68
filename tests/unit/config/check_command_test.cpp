#include "master/cli/check_command.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "common/unique_fd.h"
#include "master/runtime/instance_directory.h"
#include "tests/catch.h"
#include "tests/unit/config/temp_folder.h"

namespace {

struct Outcome {
    int exit_code;
    std::string out;
    std::string err;
};

Outcome check(const std::string& file) {
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code = sup::cli::check_command(file, out, err);
    return {exit_code, out.str(), err.str()};
}

// Of a service without sockets.
std::string config_for(const std::string& worker_keys, const std::string& more = "") {
    return "{\"listen\": [],\n\"worker\": {" + worker_keys + "}" + more + "}";
}

void write_program(const TempFolder& folder, const std::string& name, const std::string& text, mode_t mode) {
    const std::string file = folder.write(name, text);
    REQUIRE(chmod(file.c_str(), mode) == 0);
}

// A socket of this process that listens on an address, with a port that the kernel chose.
class ListeningSocket {
public:
    explicit ListeningSocket(in_addr_t address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(address);
        socklen_t size = sizeof name;
        REQUIRE(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0);
        REQUIRE(listen(fd_.get(), 1) == 0);
        REQUIRE(getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
        port_ = std::to_string(ntohs(name.sin_port));
    }
    const std::string& port() const { return port_; }

private:
    sup::UniqueFd fd_;
    std::string port_;
};

Outcome check_address(const TempFolder& folder, const std::string& address) {
    return check(folder.write(
        "sup.json",
        "{\"worker\": {\"command\": [\"true\"]},\n\"listen\": [{\"address\": \"" + address + "\"}]}"));
}

}  // namespace

TEST_CASE("check says good of a configuration that would start, and what it means") {
    const TempFolder folder;
    write_program(folder, "server", "#!/bin/sh\n", 0755);
    const std::string file = folder.write("shop.json", R"({
        "listen": [{"name": "http", "address": "127.0.0.1:0"},
                   {"name": "dns", "address": "udp:127.0.0.1:0", "reuseport": true}],
        "worker": {"command": ["./server", "-v"], "count": 2}})");
    const Outcome outcome = check(file);
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.empty());
    CHECK(outcome.out == file +
                             ": good\n"
                             "  instance  shop\n"
                             "  listen    http 127.0.0.1:0\n"
                             "  listen    dns udp:127.0.0.1:0, a socket for each slot\n"
                             "  command   " +
                             folder.path() +
                             "/server -v\n"
                             "  workers   2 processes, ready by notification within 30s\n"
                             "  drain     SIGTERM, after 30s SIGKILL\n");
}

TEST_CASE("check reports every problem as a compiler does and exits 2") {
    const TempFolder folder;
    const std::string file =
        folder.write("shop.json", "{\"listen\": [],\n\"worker\": {\"comand\": [\"x\"]}}");
    const Outcome outcome = check(file);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err ==
          file + ":2:11: /worker/command: missing; add for example \"command\": [\"./server\"]\n" + file +
              ":2:12: /worker/comand: unknown key; did you mean \"command\"?\n");
    CHECK(check(folder.path() + "/none.json").exit_code == 2);
    CHECK(check(folder.path() + "/none.json").err ==
          folder.path() + "/none.json: cannot be opened: No such file or directory\n");
}

TEST_CASE("check finds a program that exec would refuse, at its place in the file") {
    const TempFolder folder;
    write_program(folder, "not-executable", "#!/bin/sh\n", 0644);
    write_program(folder, "no-interpreter", "#! /no/such/interpreter -x\n", 0755);
    std::filesystem::create_directory(folder.path() + "/folder");
    const auto refusal = [&](const std::string& program) {
        const Outcome outcome =
            check(folder.write("sup.json", config_for("\"command\": [\"" + program + "\"]")));
        CHECK(outcome.exit_code == 2);
        CHECK(outcome.out.empty());
        CHECK(outcome.err.starts_with(folder.path() + "/sup.json:2:24: /worker/command/0: "));
        return outcome.err;
    };
    CHECK(refusal("./missing").find("No such file or directory") != std::string::npos);
    CHECK(refusal("./not-executable").find("chmod +x") != std::string::npos);
    CHECK(refusal("./folder").find("Is a directory") != std::string::npos);
    CHECK(refusal("no-such-program-in-path").find("PATH") != std::string::npos);
    CHECK(refusal("./no-interpreter").find("/no/such/interpreter") != std::string::npos);
    write_program(folder, "windows", "#!/bin/sh\r\necho\r\n", 0755);
    CHECK(refusal("./windows").find("\\r\\n") != std::string::npos);
    write_program(folder, "plain", "echo\n", 0755);
    CHECK(refusal("./plain").find("begins with #!") != std::string::npos);
}

TEST_CASE("check notes workers that write to the log in the runtime folder themselves") {
    const TempFolder folder;
    const auto notes = [&](const std::string& log) {
        return check(folder.write("sup.json", config_for(R"("command": ["true"])", ",\n\"log\": " + log)));
    };
    const Outcome noted = notes(R"({"workers": "inherit"})");
    CHECK(noted.exit_code == 0);
    CHECK(noted.err.find(":3:20: /log/workers: note: ") != std::string::npos);
    CHECK(notes(R"({"workers": "inherit", "file": "sup.log"})").err.empty());
    CHECK(notes(R"({"workers": "capture"})").err.empty());
}

TEST_CASE("check finds a working directory or log folder that is not there") {
    const TempFolder folder;
    const std::string file = folder.write("sup.json", config_for(R"("command": ["true"], "cwd": "none")",
                                                                 ",\n\"log\": {\"file\": \"gone/sup.log\"}"));
    const Outcome outcome = check(file);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err.find(file + ":2:40: /worker/cwd: ") == 0);
    CHECK(outcome.err.find("\n" + file + ":3:17: /log/file: ") != std::string::npos);

    const Outcome directory = check(
        folder.write("sup.json", config_for(R"("command": ["true"])", ",\n\"log\": {\"file\": \".\"}")));
    CHECK(directory.exit_code == 2);
    CHECK(directory.err.starts_with(file + ":3:17: /log/file: log.file "));
    CHECK(directory.err.ends_with(": Is a directory\n"));
    std::filesystem::create_symlink("circle", folder.path() + "/circle");
    CHECK(check(folder.write("sup.json",
                             config_for(R"("command": ["true"])", R"(, "log": {"file": "circle"})")))
              .exit_code == 2);
}

TEST_CASE("check notes an address that somebody listens on, and stays good") {
    const TempFolder folder;
    const ListeningSocket loopback(INADDR_LOOPBACK);
    for (const char* host : {"127.0.0.1:", "0.0.0.0:", "*:"}) {
        const Outcome outcome = check_address(folder, host + loopback.port());
        CHECK(outcome.exit_code == 0);
        CHECK(outcome.err.starts_with(folder.path() + "/sup.json:2:24: /listen/0/address: note: " + host +
                                      loopback.port() + " is in use now: pid " + std::to_string(getpid()) +
                                      " "));
        CHECK(outcome.err.ends_with("listens on 127.0.0.1:" + loopback.port() + "\n"));
        CHECK(outcome.out.find(": good\n") != std::string::npos);
    }
    CHECK(check_address(folder, "127.0.0.2:" + loopback.port()).err.empty());
    CHECK(check_address(folder, "[::1]:" + loopback.port()).err.find("in use") == std::string::npos);
}

TEST_CASE("check knows that a wildcard holds every address of its family") {
    const TempFolder folder;
    const ListeningSocket any(INADDR_ANY);
    CHECK(check_address(folder, "127.0.0.9:" + any.port())
              .err.ends_with("listens on 0.0.0.0:" + any.port() + "\n"));
    CHECK(check_address(folder, "[::1]:" + any.port()).err.find("in use") == std::string::npos);
}

TEST_CASE("check notes an address that this machine does not have, and stays good") {
    const TempFolder folder;
    const auto note = [&](const std::string& address) {
        const Outcome outcome = check_address(folder, address);
        CHECK(outcome.exit_code == 0);
        return outcome.err;
    };
    const std::string where = folder.path() + "/sup.json:2:24: /listen/0/address: note: listener listen0: ";
    CHECK(note("[fe80::1%nope0]:80").starts_with(where + "[fe80::1%nope0]:80 cannot be bound: "));
    CHECK(note("[fe80::1%nope0]:80").find("no network interface nope0\n") != std::string::npos);
    // 203.0.113.0/24 is nobody's (RFC 5737); but a machine may be told not to look.
    int anything = 0;
    std::ifstream("/proc/sys/net/ipv4/ip_nonlocal_bind") >> anything;
    for (const char* address : {"203.0.113.9:80", "udp:203.0.113.9:0"}) {
        const std::string expected = where + address +
                                     " cannot be bound: no network interface of this machine has this "
                                     "address\n";
        CHECK(note(address) == (anything != 0 ? "" : expected));
    }
}

TEST_CASE("check finds what a unix socket cannot be put at, and who it cannot be given to") {
    const TempFolder folder;
    const std::string where = folder.path() + "/sup.json:2:24: /listen/0/address: ";
    CHECK(check_address(folder, "unix:x.sock").err.empty());
    CHECK(check_address(folder, "unix:x.sock")
              .out.find("  listen    listen0 unix:" + folder.path() + "/x.sock\n") != std::string::npos);
    folder.write("file", "x");
    CHECK(check_address(folder, "unix:file").exit_code == 2);
    CHECK(check_address(folder, "unix:file").err.find("is not a socket") != std::string::npos);
    CHECK(check_address(folder, "unix:none/x.sock").err.starts_with(where));
    CHECK(check_address(folder, "unix:none/x.sock").err.find("there is no directory") != std::string::npos);

    const Outcome outcome = check(folder.write(
        "sup.json",
        R"({"worker": {"command": ["true"]}, "listen": [{"address": "unix:x", "group": "no such"}]})"));
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err.find("/listen/0/group: there is no group no such\n") != std::string::npos);
    const Outcome both = check(folder.write(
        "sup.json",
        R"({"worker": {"command": ["true"]}, "listen": [{"address": "unix:x", "owner": "0", "group": "no such"}]})"));
    CHECK(both.err.find(geteuid() == 0 ? "/listen/0/group: there is no group no such\n"
                                       : "/listen/0/owner: ") != std::string::npos);
    // Nothing was touched.
    CHECK(access((folder.path() + "/x").c_str(), F_OK) != 0);
    CHECK(access((folder.path() + "/x.sock").c_str(), F_OK) != 0);
}

TEST_CASE("check finds what this user may not do, and what its limits do not allow") {
    const TempFolder folder;
    REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
    const std::string file = folder.write("sup.json", R"({
        "listen": [{"address": "unix:x.sock", "group": "0"}],
        "worker": {"command": ["true"], "ready": {"fd": 900}}})");
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit low{500, 500};
        if (setrlimit(RLIMIT_NOFILE, &low) != 0) _exit(1);
        if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        const bool writable = access(folder.path().c_str(), W_OK) == 0;
        const Outcome outcome = check(file);
        const auto told = [&](const std::string& words) {
            return outcome.err.find(words) != std::string::npos;
        };
        if (outcome.exit_code != 2) _exit(3);
        if (!writable && !told(":2:32: /listen/0/address: ")) _exit(4);
        if (!writable && !told("note: " + folder.path())) _exit(5);
        if (!told(":2:56: /listen/0/group: note: only root and its members")) _exit(6);
        _exit(told(":3:57: /worker/ready/fd: a worker cannot be given descriptor 900") ? 0 : 7);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("check notes a socket that is at the path already") {
    const TempFolder folder;
    const sup::UniqueFd other(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    (folder.path() + "/x.sock").copy(name.sun_path, sizeof name.sun_path - 1);
    REQUIRE(bind(other.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    const Outcome outcome = check_address(folder, "unix:x.sock");
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.find("/listen/0/address: note: unix:" + folder.path() + "/x.sock") !=
          std::string::npos);
}

TEST_CASE("check has nothing to note when the instance itself is what listens") {
    const TempFolder folder;
    const ListeningSocket loopback(INADDR_LOOPBACK);
    REQUIRE(setenv("SUP_RUNTIME_DIR", folder.path().c_str(), 1) == 0);
    {
        auto instance = sup::InstanceDirectory::claim(folder.path(), "sup");
        REQUIRE(instance.ok());
        REQUIRE(instance->write_pid(getpid()).ok());
        CHECK(check_address(folder, "127.0.0.1:" + loopback.port()).err.empty());
        REQUIRE(instance->remove_all().ok());
    }
    CHECK_FALSE(check_address(folder, "127.0.0.1:" + loopback.port()).err.empty());
    REQUIRE(unsetenv("SUP_RUNTIME_DIR") == 0);
}

TEST_CASE("check leaves the world as it was") {
    const TempFolder folder;
    const std::string file =
        folder.write("sup.json", config_for(R"("command": ["true"])", R"(, "log": {"file": "sup.log"})"));
    CHECK(check(file).exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/sup.log"));
}
