#include "tests/integration/support/instance.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include "tests/catch.h"
#include "tests/integration/support/build.h"

namespace sup::test {

namespace fs = std::filesystem;

namespace {

const char* const marker = "SUP_TEST_SANDBOX";

std::string names_in(const fs::path& folder) {
    std::string names;
    std::error_code gone;
    for (fs::recursive_directory_iterator entry(folder, gone), end; !gone && entry != end;
         entry.increment(gone)) {
        const std::string name = entry->path().lexically_relative(folder).string();
        if (name.ends_with("~failed-start.log")) continue;  // kept for whoever asks why
        names += (names.empty() ? "" : ", ") + name;
    }
    return names;
}

std::string describe(const std::vector<pid_t>& pids) {
    std::string text;
    for (const pid_t pid : pids) {
        std::string line = read_file("/proc/" + std::to_string(pid) + "/cmdline");
        std::replace(line.begin(), line.end(), '\0', ' ');
        text += std::to_string(pid) + " (" + line + ") ";
    }
    return text;
}

}  // namespace

Sandbox::Sandbox() = default;

Sandbox::~Sandbox() {
    if (std::uncaught_exceptions() == 0) {
        eventually([&] { return processes().empty(); });
        CHECK(describe(processes()) == "");
        CHECK(names_in(runtime_dir()) == "");
    }
    kill_everything();
    CHECK(sanitizer_reports() == "");
}

Launch Sandbox::surround(Launch launch) const {
    const std::string reports = "log_path=" + path("sanitizer").string();
    launch.env.try_emplace(marker, dir_.path().string());
    launch.env.try_emplace("SUP_RUNTIME_DIR", runtime_dir().string());
    launch.env.try_emplace("ASAN_OPTIONS", reports);
    launch.env.try_emplace("UBSAN_OPTIONS", "print_stacktrace=1:" + reports);
    return launch;
}

Launch Sandbox::command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), sup_binary());
    return surround({.argv = std::move(arguments)});
}

Outcome Sandbox::sup(std::vector<std::string> arguments, std::chrono::milliseconds deadline) const {
    return run(command(std::move(arguments)), deadline);
}

std::vector<pid_t> Sandbox::processes() const {
    const std::string entry = std::string(marker) + "=" + dir_.path().string();
    std::vector<pid_t> found;
    for (const pid_t pid : proc::all()) {
        const auto environment = proc::environment(pid);
        if (std::find(environment.begin(), environment.end(), entry) != environment.end())
            found.push_back(pid);
    }
    return found;
}

void Sandbox::kill_everything() const {
    eventually([&] {
        const auto left = processes();
        for (const pid_t pid : left) ::kill(pid, SIGKILL);
        return left.empty();
    });
}

std::string Sandbox::sanitizer_reports() const {
    std::string reports;
    for (const auto& entry : fs::directory_iterator(dir_.path())) {
        if (entry.path().filename().string().starts_with("sanitizer")) reports += read_file(entry.path());
    }
    return reports;
}

Instance::Instance(Config config_, std::shared_ptr<Sandbox> sandbox)
    : config(std::move(config_)), sandbox_(std::move(sandbox)) {
    install_copy(hello_worker(), worker_path());
    write_config();
}

Instance::~Instance() {
    if (std::uncaught_exceptions() > 0) {
        std::cerr << "the log of instance " << config.name << ":\n" << log() << std::endl;
        sandbox_->kill_everything();
        return;
    }
    if (master_ == 0 || !proc::alive(master_)) return;
    const Outcome stopped = stop();
    CAPTURE(stopped.out, stopped.err, log());
    CHECK(stopped.exit_code == 0);
    CHECK(!proc::alive(master_));
}

void Instance::write_config() const {
    install_file(config.json(), 0644, config_path());  // whole, also for a reload under way
}

void Instance::start() {
    const Outcome started = try_start();
    INFO(started.out << started.err);
    REQUIRE(started.exit_code == 0);
    master_ = status().pid;
}

Outcome Instance::reload(std::vector<std::string> options) const {
    options.insert(options.begin(), {"reload", config.name});
    return sandbox_->sup(std::move(options));
}

Outcome Instance::stop(std::vector<std::string> options) const {
    options.insert(options.begin(), {"stop", config.name});
    return sandbox_->sup(std::move(options));
}

InstanceStatus Instance::status() const {
    const Outcome asked = sandbox_->sup({"status", config.name, "--json"});
    INFO(asked.out << asked.err);
    REQUIRE(asked.exit_code == 0);
    return parse_status(asked.out);
}

InstanceStatus Instance::wait_until_settled() const {
    return wait_for("one generation, running and ready",
                    [](const InstanceStatus& now) { return now.settled(); });
}

void Instance::give_up(const std::string& what, const InstanceStatus& last) const {
    std::string text = "never came: " + what + "; the instance is " + last.state;
    for (const auto& generation : last.generations) {
        text +=
            ", generation " + std::to_string(generation.number) + " " + generation.state + " with workers";
        for (const auto& worker : generation.workers)
            text += " " + std::to_string(worker.pid) + "/" + worker.state;
    }
    throw std::runtime_error(text);
}

std::uint16_t Instance::port(std::size_t listener) const {
    return port_of(status().addresses.at(listener));
}

std::vector<pid_t> Instance::worker_pids() const {
    const InstanceStatus now = status();
    REQUIRE(now.active() != nullptr);
    return now.active()->pids();
}

std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
}

Squatter::Squatter() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)) == 0);
    REQUIRE(::listen(fd_.get(), 1) == 0);
}

std::string Squatter::address() const {
    sockaddr_in bound{};
    socklen_t size = sizeof(bound);
    REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    return "127.0.0.1:" + std::to_string(ntohs(bound.sin_port));
}

}  // namespace sup::test
