// Promises 3 and 4 where a release is a folder and a `current` link says which one it is: docs/releases.md.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace fs = std::filesystem;

namespace {

// Says of which release it is, by its own file and by a module that it imports.
std::string worker_of(const std::string& release) {
    return "#!" + python() + R"(
import os, signal, socket, sys
import helper
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    told = "script )" +
           release + R"(, helper %s, cwd %s, PWD %s, prefix %s" % (
        helper.release, os.getcwd(), os.environ["PWD"], sys.prefix)
    sender.sendto(b"READY=1\nSTATUS=" + told.encode(), os.environ["NOTIFY_SOCKET"])
signal.pause()
)";
}

// Folders releases/1 and releases/2 beside a link `current`, as deployments lay them out.
class Deployment {
public:
    explicit Deployment(Config config = {}) : instance(configured(std::move(config))) {
        for (const std::string release : {"1", "2"}) {
            fs::create_directories(in(release));
            install_file(worker_of(release), 0755, in(release) / "app.py");
            write_file(in(release) / "helper.py", "release = " + release + "\n");
            write_file(in(release) / "test.json", instance.config.json());
        }
        point_to("1");
    }

    fs::path in(const std::string& release) const { return instance.path("releases") / release; }
    fs::path current() const { return instance.path("current"); }
    void point_to(const std::string& release) const {
        fs::create_directory_symlink("releases/" + release, instance.path("next"));
        fs::rename(instance.path("next"), current());
    }

    // `sup start CONFIG` from `folder`, as a shell in it does.
    void start(const std::string& config, const fs::path& folder) {
        Launch launch = instance.sandbox()->command({"start", config});
        launch.cwd = folder.string();
        launch.env["PWD"] = folder.string();
        const Outcome started = run(launch);
        INFO(started.text());
        REQUIRE(started.exit_code == 0);
        instance.set_master(instance.status().pid);
    }
    void start() { start((current() / "test.json").string(), instance.path("")); }

    // What the only worker says of itself.
    std::string told() const { return instance.wait_until_settled().active()->workers.at(0).text; }
    std::string told_after_a_crash() const {
        const auto old = instance.worker_pids();
        for (const pid_t pid : old) ::kill(pid, SIGKILL);
        const auto now = instance.wait_for("new workers", [&](const InstanceStatus& s) {
            return s.settled() && s.active()->pids().at(0) != old.at(0) &&
                   !s.active()->workers[0].text.empty();
        });
        return now.active()->workers[0].text;
    }
    std::string raw_status() const { return instance.sandbox()->sup({"status", "--json"}).out; }

    Instance instance;

private:
    static Config configured(Config config) {
        config.count = 1;
        config.log_file = "../../sup.log";
        return config;
    }
};

bool is_of(const std::string& release, const std::string& told) {
    return told.starts_with("script " + release + ", helper " + release + ", ");
}

}  // namespace

TEST_CASE(
    "a script behind a link that has moved comes back as its own release, and a reload brings the new one") {
    if (python().empty()) return skip("python3 is not installed");
    const std::string strategy = GENERATE("replace", "rolling");
    const std::vector<std::string> command =
        GENERATE(std::vector<std::string>{"./app.py"}, std::vector<std::string>{python(), "app.py"},
                 std::vector<std::string>{python(), "../../current/app.py"});
    CAPTURE(strategy, command);
    Deployment deployment{{.command = command, .strategy = strategy}};
    deployment.start();
    CHECK(is_of("1", deployment.told()));

    deployment.point_to("2");
    const std::string told = deployment.told_after_a_crash();
    CHECK(is_of("1", told));
    CHECK(contains(told, "cwd " + deployment.in("1").string() + ", PWD " + deployment.in("1").string()));
    CHECK(contains(deployment.raw_status(), "\"changed\": false"));
    CHECK(contains(deployment.raw_status(), "\"release\": \"" + deployment.in("1").string() + "\""));

    ::kill(deployment.instance.master(), SIGHUP);
    deployment.instance.wait_for(
        "generation 2", [](const InstanceStatus& s) { return s.settled() && s.active()->number == 2; });
    CHECK(is_of("2", deployment.told()));
    CHECK(is_of("2", deployment.told_after_a_crash()));
}

TEST_CASE("a configuration above the link names what is behind it, once for each generation") {
    if (python().empty()) return skip("python3 is not installed");
    const std::vector<std::string> command = GENERATE(std::vector<std::string>{"current/app.py"},
                                                      std::vector<std::string>{python(), "./current/app.py"});
    CAPTURE(command);
    Deployment deployment{{.command = command}};
    deployment.instance.config.log_file = "sup.log";
    deployment.instance.write_config();
    deployment.instance.start();
    deployment.point_to("2");
    CHECK(is_of("1", deployment.told_after_a_crash()));
    REQUIRE(deployment.instance.reload().exit_code == 0);
    CHECK(is_of("2", deployment.told()));
}

TEST_CASE("modules that a worker finds by a variable are those of its own release") {
    if (python().empty()) return skip("python3 is not installed");
    const std::string before = GENERATE("", "/nowhere:");
    CAPTURE(before);
    Deployment deployment;
    Config& config = deployment.instance.config;
    fs::create_directories(deployment.instance.path("bin"));
    install_file(worker_of("1"), 0755, deployment.instance.path("bin") / "app.py");
    config.command = {"bin/app.py"};
    config.env["PYTHONPATH"] = before + deployment.current().string();
    config.log_file = "sup.log";
    deployment.instance.write_config();
    deployment.instance.start();
    deployment.point_to("2");
    CHECK(contains(deployment.told_after_a_crash(), "helper 1"));
    REQUIRE(deployment.instance.reload().exit_code == 0);
    CHECK(contains(deployment.told(), "helper 2"));
}

TEST_CASE("from within the folder behind the link, what is read again is behind the link") {
    if (python().empty()) return skip("python3 is not installed");
    Deployment deployment{{.command = {"./app.py"}}};
    const std::string config = GENERATE("test.json", "./test.json");
    deployment.start(config, deployment.current());
    CHECK(deployment.instance.status().config == (deployment.current() / "test.json").string());
    deployment.point_to("2");
    fs::remove_all(deployment.in("1"));
    REQUIRE(deployment.instance.reload().exit_code == 0);
    CHECK(is_of("2", deployment.told()));
}

TEST_CASE("a script's release that was refused takes nobody with it when the old workers crash") {
    if (python().empty()) return skip("python3 is not installed");
    Deployment deployment{{.command = {"./app.py"}}};
    deployment.start();
    install_file("#!" + python() + "\nraise SystemExit('broken')\n", 0755, deployment.in("2") / "app.py");
    deployment.point_to("2");
    CHECK(deployment.instance.reload().exit_code == 1);
    CHECK(is_of("1", deployment.told_after_a_crash()));
    CHECK(is_of("1", deployment.told_after_a_crash()));
}

TEST_CASE(
    "a script that is edited in place is run as it is then, with a warning, and the slot is not left empty") {
    if (python().empty()) return skip("python3 is not installed");
    Deployment deployment{{.command = {"./app.py"}}};
    deployment.start();
    install_file(worker_of("7"), 0755, deployment.in("1") / "app.py");
    CHECK(contains(deployment.raw_status(), "\"changed\": true"));
    CHECK(contains(deployment.told_after_a_crash(), "script 7, helper 1"));
    CHECK(contains(deployment.told_after_a_crash(), "script 7, helper 1"));
    const std::string log = deployment.instance.log();
    const std::size_t first = log.find("app.py is not the same script as when its generation was made");
    CHECK(first != log.npos);
    CHECK(log.find("is not the same script", first + 10) == log.npos);  // one word for all workers
    REQUIRE(deployment.instance.reload().exit_code == 0);
    CHECK(contains(deployment.raw_status(), "\"changed\": false"));
}

TEST_CASE("a binary that was only touched comes back without a word") {
    Instance instance{{.count = 1}};
    instance.start();
    const pid_t old = instance.worker_pids().at(0);
    REQUIRE(::utimensat(AT_FDCWD, instance.worker_path().c_str(), nullptr, 0) == 0);
    ::kill(old, SIGKILL);
    instance.wait_for("a replacement", [&](const InstanceStatus& s) {
        return s.settled() && s.active()->pids().at(0) != old;
    });
    CHECK_FALSE(contains(instance.log(), "changed"));
    CHECK(contains(instance.sandbox()->sup({"status", "--json"}).out, "\"changed\": false"));
}

TEST_CASE("a virtual environment behind a link that has moved is still its release's") {
    if (python().empty()) return skip("python3 is not installed");
    const std::vector<std::string> command =
        GENERATE(std::vector<std::string>{"./venv/bin/python", "app.py"},
                 std::vector<std::string>{"../../current/venv/bin/python", "app.py"},
                 std::vector<std::string>{"./tool"});
    CAPTURE(command);
    Deployment deployment{{.command = command}};
    for (const std::string release : {"1", "2"}) {
        const std::string venv = (deployment.in(release) / "venv").string();
        const Outcome made = run({.argv = {python(), "-m", "venv", "--without-pip", venv}});
        if (made.exit_code != 0) return skip("python3 cannot make virtual environments");
        // A tool as pip installs it: its first line names the environment as it was called, by the link.
        std::string tool = worker_of(release);
        tool.replace(0, tool.find('\n'), "#!" + (deployment.current() / "venv/bin/python").string());
        install_file(tool, 0755, deployment.in(release) / "tool");
    }
    deployment.start();
    deployment.point_to("2");
    const std::string told = deployment.told_after_a_crash();
    CHECK(is_of("1", told));
    CHECK(contains(told, "prefix " + (deployment.in("1") / "venv").string()));
    REQUIRE(deployment.instance.reload().exit_code == 0);
    CHECK(contains(deployment.told(), "prefix " + (deployment.in("2") / "venv").string()));
}

TEST_CASE("a command of node_modules behind a link that has moved is still its release's") {
    if (run({.argv = {"sh", "-c", "command -v node"}}).exit_code != 0) return skip("node is not installed");
    Deployment deployment{{.command = {"./node_modules/.bin/tool"}, .ready = R"({"fd": 4})"}};
    for (const std::string release : {"1", "2"}) {
        const fs::path modules = deployment.in(release) / "node_modules";
        fs::create_directories(modules / ".bin");
        fs::create_directories(modules / "tool");
        install_file(
            "#!/usr/bin/env node\n"
            "console.log(`release ${require('./helper.js')} from ${process.cwd()}`);\n"
            "require('fs').writeSync(4, '\\n');\nsetInterval(() => {}, 1000);\n",
            0755, modules / "tool" / "cli.js");
        write_file(modules / "tool" / "helper.js", "module.exports = " + release + ";\n");
        fs::create_symlink("../tool/cli.js", modules / ".bin" / "tool");
    }
    deployment.start();
    deployment.point_to("2");
    const pid_t old = deployment.instance.worker_pids().at(0);
    ::kill(old, SIGKILL);
    const auto lines = [&](const std::string& release) {
        const std::string line = "release " + release + " from " + deployment.in(release).string();
        const std::string log = deployment.instance.log();
        int count = 0;
        for (std::size_t at = log.find(line); at != log.npos; at = log.find(line, at + 1)) ++count;
        return count;
    };
    CHECK(eventually([&] { return lines("1") == 2; }));
    deployment.instance.wait_until_settled();
    REQUIRE(deployment.instance.reload().exit_code == 0);
    CHECK(eventually([&] { return lines("2") == 1; }));
}

TEST_CASE(
    "a binary behind a link that has moved is still its release's, and the link's new one after a reload") {
    Deployment deployment{{.command = {"./server"}}};
    install_copy(hello_worker(), deployment.in("1") / "server");
    install_copy(hello_worker_v2(), deployment.in("2") / "server");
    deployment.start();
    const auto runs = [&](const std::string& release) {
        const pid_t worker = deployment.instance.wait_until_settled().active()->pids().at(0);
        return proc::link(worker, "exe") == (deployment.in(release) / "server").string();
    };
    CHECK(runs("1"));
    deployment.point_to("2");
    const pid_t old = deployment.instance.worker_pids().at(0);
    ::kill(old, SIGKILL);
    deployment.instance.wait_for("a replacement", [&](const InstanceStatus& s) {
        return s.settled() && s.active()->pids().at(0) != old;
    });
    CHECK(runs("1"));
    REQUIRE(deployment.instance.reload().exit_code == 0);
    CHECK(runs("2"));
}

TEST_CASE("a folder whose name is odd, or no text at all, is as good as any") {
    const std::string name = GENERATE("a b\tc", "n\xffx", "it's \"q\" $HOME *");
    Instance instance{{.count = 1}};
    const fs::path folder = instance.path("") / name;
    fs::create_directory(folder);
    install_copy(hello_worker(), folder / "worker");
    write_file(folder / "test.json", instance.config.json());
    const Outcome started = instance.sandbox()->sup({"start", (folder / "test.json").string()});
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    instance.set_master(instance.status().pid);
    const auto page = [&] { return instance.sandbox()->sup({"status"}).out; };
    CHECK_FALSE(contains(page(), "gone"));
    CHECK_FALSE(contains(page(), "another file"));
    const pid_t old = instance.worker_pids().at(0);
    ::kill(old, SIGKILL);
    instance.wait_for("a replacement", [&](const InstanceStatus& s) {
        return s.settled() && s.active()->pids().at(0) != old;
    });
    REQUIRE(instance.reload().exit_code == 0);
    fs::remove(folder / "worker");
    CHECK(contains(page(), "the file is gone from its path"));
}

}  // namespace sup::test
