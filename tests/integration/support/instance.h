// A real instance in surroundings of its own, which are proven empty at the end.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/support/config.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/process.h"
#include "tests/integration/support/status.h"
#include "tests/integration/support/temp_dir.h"

namespace sup::test {

// A temporary directory with a runtime directory of sup. Everything started from here carries its path in the
// environment, so whatever is left of it can be found. Leftovers, and reports of the sanitizers, fail the
// test.
class Sandbox {
public:
    Sandbox();
    ~Sandbox();
    Sandbox(const Sandbox&) = delete;
    Sandbox& operator=(const Sandbox&) = delete;

    std::filesystem::path path(const std::string& name) const { return dir_ / name; }
    std::filesystem::path runtime_dir() const { return dir_ / "run"; }

    // `sup ARGUMENTS` in these surroundings, to be run as it is or changed first.
    Launch command(std::vector<std::string> arguments) const;
    Launch surround(Launch launch) const;
    Outcome sup(std::vector<std::string> arguments, std::chrono::milliseconds deadline = 2 * patience) const;

    // Every living process that was started in here, masters and workers and what those started.
    std::vector<pid_t> processes() const;
    void kill_everything() const;

private:
    std::string sanitizer_reports() const;

    TempDir dir_;
};

// One instance. Its worker is a copy of hello-worker at a path of its own, to be replaced as a deployment
// does.
class Instance {
public:
    explicit Instance(Config config = {}, std::shared_ptr<Sandbox> sandbox = std::make_shared<Sandbox>());
    ~Instance();  // stops it, if it still runs
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    Config config;  // what write_config() writes
    void write_config() const;

    const std::shared_ptr<Sandbox>& sandbox() const { return sandbox_; }
    std::filesystem::path config_path() const { return sandbox_->path(config.name + ".json"); }
    std::filesystem::path worker_path() const { return sandbox_->path("worker"); }
    std::filesystem::path path(const std::string& name) const { return sandbox_->path(name); }
    std::filesystem::path folder() const { return sandbox_->runtime_dir() / config.name; }
    std::string log() const { return read_file(sandbox_->path("sup.log")); }

    void start();  // must succeed
    Outcome try_start() const { return sandbox_->sup({"start", config_path().string()}); }
    Outcome reload(std::vector<std::string> options = {}) const;
    Outcome stop(std::vector<std::string> options = {}) const;

    InstanceStatus status() const;
    // The status once the condition holds; fails the test when that never comes.
    template <typename Condition>
    InstanceStatus wait_for(const std::string& what, Condition condition) const;
    InstanceStatus wait_until_settled() const;

    pid_t master() const { return master_; }  // as of start(), or as said
    void set_master(pid_t pid) { master_ = pid; }
    std::uint16_t port(std::size_t listener = 0) const;
    std::vector<pid_t> worker_pids() const;  // of the active generation

private:
    [[noreturn]] void give_up(const std::string& what, const InstanceStatus& last) const;

    std::shared_ptr<Sandbox> sandbox_;
    pid_t master_ = 0;
};

template <typename Condition>
InstanceStatus Instance::wait_for(const std::string& what, Condition condition) const {
    InstanceStatus last;
    const bool came = eventually([&] {
        last = status();
        return condition(last);
    });
    if (!came) give_up(what, last);
    return last;
}

std::uint16_t port_of(const std::string& address);  // "127.0.0.1:4711" -> 4711

// A listening socket of the test's own, to be in somebody's way.
class Squatter {
public:
    Squatter();
    std::string address() const;

private:
    UniqueFd fd_;
};

}  // namespace sup::test
