#include "tests/integration/support/kept_clients.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "tests/integration/support/build.h"

namespace sup::test {
namespace {

UniqueFd make_pipe(UniqueFd& write_end) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    write_end.reset(ends[1]);
    return UniqueFd(ends[0]);
}

Launch launch(std::uint16_t port, const KeptClients::Options& options, int input) {
    std::vector<std::string> argv{load_generator(),
                                  "--port",
                                  std::to_string(port),
                                  "--clients",
                                  std::to_string(options.clients),
                                  "--think",
                                  options.think,
                                  "--mode",
                                  options.idle ? "idle" : "keepalive",
                                  "--duration",
                                  "10m",
                                  "--timeout",
                                  "30s",
                                  "--slice",
                                  "1s"};
    if (options.body > 0) {
        for (const std::string& argument :
             {std::string("--path"), std::string("/echo"), std::string("--body"),
              std::to_string(options.body), std::string("--echo")})
            argv.push_back(argument);
    }
    return {.argv = argv, .in_child = [input] { ::dup2(input, STDIN_FILENO); }};
}

std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    const std::size_t begin = text.rfind('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1);
}

KeptReport parse(const std::string& line) {
    const auto json = nlohmann::json::parse(line);
    const auto& closed = json.at("closed");
    KeptReport report;
    report.answered = json.at("requests");
    report.failed = json.at("failed_total");
    report.timed_out = json.at("failed").value("timeout", std::uint64_t{0});
    report.connections = json.at("connections");
    report.announced = closed.value("announced", std::uint64_t{0});
    report.closed = json.at("closed_total").get<std::uint64_t>() - report.announced;
    report.text = std::to_string(report.answered) + " answered over " + std::to_string(report.connections) +
                  " connections; failed " + json.at("failed").dump() + ", closed " + closed.dump() +
                  ", longest " + std::to_string(json.at("latency_us").at("max").get<double>() / 1000) + " ms";
    return report;
}

}  // namespace

KeptClients::KeptClients(std::uint16_t port, const Options& options)
    : their_input_(make_pipe(input_)), process_(launch(port, options, their_input_.get())) {
    their_input_.reset();
}

bool KeptClients::established() {
    return process_.output().find("\"established\"") != std::string::npos;
}

KeptReport KeptClients::finish(const std::string& command) {
    if (::write(input_.get(), command.data(), command.size()) != static_cast<ssize_t>(command.size()))
        throw std::runtime_error("the load generator does not listen");
    const Outcome outcome = process_.wait(2 * patience);
    if (outcome.exit_code != 0) throw std::runtime_error("the load generator failed: " + outcome.text());
    return parse(last_line(outcome.out));
}

}  // namespace sup::test
