// The command line as a script sees it: exit codes, names, plain output.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

TEST_CASE("exit code 3: no such instance is running") {
    Sandbox sandbox;
    for (const char* command : {"status", "reload", "stop"}) {
        INFO(command);
        for (const auto& arguments : {std::vector<std::string>{command}, {command, "nobody"}}) {
            const Outcome outcome = sandbox.sup(arguments);
            INFO(outcome.text());
            CHECK(outcome.exit_code == 3);
            CHECK(outcome.out == "");
            CHECK(contains(outcome.err, sandbox.runtime_dir().string()));
        }
    }
    CHECK(parse_list(sandbox.sup({"list", "--json"}).out).empty());
    CHECK(sandbox.sup({"list"}).exit_code == 0);
}

TEST_CASE("exit code 2: wrong usage") {
    Sandbox sandbox;
    const std::vector<std::vector<std::string>> wrong{{},
                                                      {"frobnicate"},
                                                      {"start"},
                                                      {"start", "no-such-file.json"},
                                                      {"reload", "--no-such-option"},
                                                      {"reload", "--timeout", "soon"},
                                                      {"status", "../etc"},
                                                      {"status", ""},
                                                      {"reload", ""},
                                                      {"stop", ""},
                                                      {"start", ""},
                                                      {"check"},
                                                      {"schema", "hello.json"},
                                                      {"schema", "--markdown=nonsense"}};
    for (const auto& arguments : wrong) {
        const Outcome outcome = sandbox.sup(arguments);
        std::string text = "sup";
        for (const auto& argument : arguments) text += " " + argument;
        INFO(text << ": " << outcome.text());
        CHECK(outcome.exit_code == 2);
    }
    const auto worker = [&](const std::string& argument) {
        return run(sandbox.surround({.argv = {hello_worker(), argument}})).exit_code;
    };
    CHECK(worker("--bogus") == 2);
    CHECK(worker("--help") == 0);
}

TEST_CASE("an empty NAME, as of a variable that is not set, stops nothing") {
    Instance instance;
    instance.start();
    const Outcome outcome = instance.sandbox()->sup({"stop", ""});
    INFO(outcome.text());
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "NAME: the name is empty"));
    CHECK(instance.status().state == "running");
}

TEST_CASE("what cannot be written is a failure of the commands that only tell") {
    Instance instance;
    instance.start();
    const auto with_stdout = [&](const std::vector<std::string>& arguments, int (*open_stdout)()) {
        Launch launch = instance.sandbox()->command(arguments);
        launch.in_child = [open_stdout] { ::dup2(open_stdout(), STDOUT_FILENO); };
        return run(launch);
    };
    const auto full = [] { return ::open("/dev/full", O_WRONLY | O_CLOEXEC); };
    const auto without_reader = [] {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) ::_exit(126);
        ::close(ends[0]);
        return ends[1];
    };
    const std::vector<std::vector<std::string>> telling{{"status"},
                                                        {"status", "--json"},
                                                        {"list"},
                                                        {"list", "--json"},
                                                        {"check", instance.config_path().string()},
                                                        {"schema"},
                                                        {"schema", "--markdown"},
                                                        {"--help"},
                                                        {"--version"}};
    for (const auto& arguments : telling) {
        const Outcome lost = with_stdout(arguments, full);
        INFO(arguments.front() << ": " << lost.text());
        CHECK(lost.exit_code == 1);
        CHECK(contains(lost.err, "cannot write to standard output: No space left on device"));
        CHECK(with_stdout(arguments, without_reader).exit_code == 1);
    }
    // What was done is done.
    const Outcome reloaded = with_stdout({"reload"}, full);
    CHECK(reloaded.exit_code == 0);
    CHECK(contains(reloaded.err, "cannot write to standard output"));
}

TEST_CASE("a limit that leaves no room for a master is a clear error, and leaves nothing") {
    Instance instance;
    const auto start_within = [&](int resource, rlim_t most) {
        Launch launch = instance.sandbox()->command({"start", instance.config_path().string()});
        launch.in_child = [resource, most] {
            const rlimit limit{most, most};
            if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) ::_exit(126);
        };
        return run(launch);
    };
    const Outcome descriptors = start_within(RLIMIT_NOFILE, 12);
    INFO(descriptors.text());
    CHECK(descriptors.exit_code == 1);
    CHECK(contains(descriptors.err, "the limit of 12 open files is too low"));
    const Outcome file_size = start_within(RLIMIT_FSIZE, 1024);
    INFO(file_size.text());
    CHECK(file_size.exit_code == 1);
    CHECK(contains(file_size.err, "cannot make the scoreboard"));
    CHECK(contains(file_size.err, "ulimit -f"));
    CHECK_FALSE(std::filesystem::exists(instance.folder()));
}

TEST_CASE("sup --version and sup --help answer on stdout with exit code 0") {
    Sandbox sandbox;
    CHECK(contains(sandbox.sup({"--version"}).out, "0.1.0"));
    CHECK(contains(sandbox.sup({"--help"}).out, "reload"));
    for (const char* command : {"start", "run", "reload", "status", "stop", "list", "check"}) {
        INFO(command);
        const Outcome outcome = sandbox.sup({command, "--help"});
        CHECK(outcome.exit_code == 0);
        CHECK(outcome.out != "");
    }
}

TEST_CASE("NAME may be left out with one instance, and with several the error lists them") {
    Instance one{{.name = "one", .log_file = "one.log"}};
    one.start();
    CHECK(one.sandbox()->sup({"status"}).exit_code == 0);
    CHECK(one.sandbox()->sup({"reload"}).exit_code == 0);

    Instance two{{.name = "two", .log_file = "two.log"}, one.sandbox()};
    two.start();
    for (const char* command : {"status", "reload", "stop"}) {
        const Outcome outcome = one.sandbox()->sup({command});
        INFO(command << ": " << outcome.text());
        CHECK(outcome.exit_code == 2);
        CHECK(contains(outcome.err, "one"));
        CHECK(contains(outcome.err, "two"));
    }
    const auto listed = parse_list(one.sandbox()->sup({"list", "--json"}).out);
    REQUIRE(listed.size() == 2);
    CHECK(listed[0].name == "one");
    CHECK(listed[0].pid == one.master());
    CHECK(listed[0].state == "running");
    CHECK(listed[0].config == one.config_path());
    CHECK(listed[1].name == "two");
    CHECK(two.status().generations.at(0).number == 1);
    CHECK(one.stop().exit_code == 0);
    CHECK(one.sandbox()->sup({"stop"}).exit_code == 0);
}

TEST_CASE("sup reload --timeout gives exit code 4 before the outcome is known, and the reload goes on") {
    Instance instance;
    instance.start();
    instance.config.command = {"./gated"};
    instance.write_config();
    install_script("until [ -e open ]; do sleep 0.02; done\nexec ./worker", instance.path("gated"));
    const Outcome early = instance.reload({"--timeout", "300ms"});
    INFO(early.text());
    CHECK(early.exit_code == 4);
    write_file(instance.path("open"), "");
    const auto now = instance.wait_for("generation 2",
                                       [](const auto& s) { return s.settled() && s.active()->number == 2; });
    REQUIRE(now.last_reload);
    CHECK(now.last_reload->outcome == "promoted");
}

TEST_CASE("sup status shows a person the generations, their workers and listeners") {
    Instance instance;
    instance.start();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    const InstanceStatus now = instance.wait_until_settled();
    const Outcome table = instance.sandbox()->sup({"status", "test"});
    INFO(table.out);
    CHECK(table.exit_code == 0);
    CHECK(contains(table.out, "test"));
    CHECK(contains(table.out, "running"));
    CHECK(contains(table.out, now.addresses[0]));
    for (const pid_t pid : now.generations[0].pids()) CHECK(contains(table.out, std::to_string(pid)));
    CHECK(table.out.find('\033') == std::string::npos);  // plain in a pipe
}

TEST_CASE("sup check accepts a good configuration, notes an address in use, and touches nothing") {
    const Squatter squatter;
    Instance instance{{.listen = {squatter.address()}}};
    const Outcome noted = instance.sandbox()->sup({"check", instance.config_path().string()});
    INFO(noted.text());
    CHECK(noted.exit_code == 0);
    CHECK(contains(noted.text(), squatter.address()));
    CHECK(!std::filesystem::exists(instance.sandbox()->runtime_dir()));

    instance.config.command = {"./not-there"};
    instance.write_config();
    const Outcome missing = instance.sandbox()->sup({"check", instance.config_path().string()});
    INFO(missing.text());
    CHECK(missing.exit_code == 2);
    CHECK(contains(missing.err, "not-there"));
}

TEST_CASE("sup reload shows a person its progress, and a pipe plain lines") {
    Instance instance;
    instance.start();
    const Outcome piped = instance.reload();
    CHECK(piped.exit_code == 0);
    CHECK(contains(piped.text(), "generation 2"));
    CHECK(piped.text().find('\033') == std::string::npos);
    CHECK(piped.text().find('\r') == std::string::npos);

    Launch at_terminal = instance.sandbox()->command({"reload"});
    at_terminal.terminal = true;
    at_terminal.env["TERM"] = "xterm";
    const Outcome shown = run(at_terminal);
    INFO(shown.out);
    CHECK(shown.exit_code == 0);
    CHECK(contains(shown.out, "2/2"));
}

TEST_CASE("status and state while starting, reloading and stopping tell the truth") {
    Instance instance{{.command = {"./gated"}}};
    install_script("until [ -e open$SUP_GENERATION ]; do sleep 0.02; done\nexec ./worker --ignore-drain",
                   instance.path("gated"));
    Child starter(instance.sandbox()->command({"start", instance.config_path().string()}));
    REQUIRE(eventually([&] { return instance.sandbox()->sup({"status"}).exit_code == 0; }));
    CHECK(instance
              .wait_for("starting",
                        [](const auto& s) { return s.state == "starting" && !s.generations.empty(); })
              .generations[0]
              .state == "starting");
    write_file(instance.path("open1"), "");
    CHECK(starter.wait().exit_code == 0);
    CHECK(instance.status().state == "running");
    Child reloader(instance.sandbox()->command({"reload"}));
    instance.wait_for("reloading", [](const auto& s) { return s.state == "reloading"; });
    write_file(instance.path("open2"), "");
    CHECK(reloader.wait().exit_code == 0);
    const auto draining = instance.status();
    REQUIRE(draining.generation(1) != nullptr);
    CHECK(draining.generation(1)->state == "draining");
    Child stopper(instance.sandbox()->command({"stop"}));
    instance.wait_for("stopping", [](const auto& s) { return s.state == "stopping"; });
    CHECK(instance.stop({"--now"}).exit_code == 0);
    CHECK(stopper.wait().exit_code == 0);
}

}  // namespace sup::test
