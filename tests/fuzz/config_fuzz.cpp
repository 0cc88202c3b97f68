// Any bytes at all are either a configuration that keeps its rules, or problems with places in the text.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "config/address.h"
#include "config/load.h"
#include "tests/fuzz/require.h"

namespace {

using namespace sup::config;

void check_problems(const Problems& problems, std::string_view text) {
    require(!problems.list.empty(), "a refusal says why");
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const Problem& problem : problems.list) {
        require(problem.position.line >= 1 && problem.position.line <= lines,
                "a problem is on a line of the text");
        require(problem.position.column >= 1 && problem.position.column <= text.size() + 1,
                "a column is in the text");
        require(!problem.message.empty(), "a problem has words");
    }
    require(std::is_sorted(problems.list.begin(), problems.list.end(),
                           [](const Problem& a, const Problem& b) { return a.position < b.position; }),
            "problems are in the order of the text");
    const std::string shown = to_text(problems);
    const auto controls = std::count_if(shown.begin(), shown.end(),
                                        [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    const std::size_t lines_shown = problems.list.size() + (problems.omitted > 0 ? 1 : 0);
    require(static_cast<std::size_t>(controls) == lines_shown - 1,
            "nothing but line ends controls the terminal");
}

void check_listeners(const Config& config) {
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const Listen& listen = config.listen[i];
        require(!listen.name.empty() && listen.name.size() <= 64, "a listener has a name");
        require(listen.backlog >= 1, "a backlog is positive");
        require(parse_address(to_string(listen.address), "/").value() == listen.address,
                "an address is what it says");
        for (std::size_t j = 0; j < i; ++j) {
            require(config.listen[j].name != listen.name, "names are unique");
            require(!overlap(config.listen[j].address, listen.address), "addresses do not overlap");
        }
    }
}

void check_config(const Config& config, std::string_view text) {
    require(nlohmann::json::accept(text, true), "a configuration is JSON with comments");
    require(!config.name.empty() && config.name.find('/') == config.name.npos,
            "a name can be joined to a path");
    require(!config.worker.program.empty(), "there is a program");
    const std::string& program = config.worker.program;
    require(program.front() == '/' || program.find('/') == program.npos,
            "a program is absolute or a bare name");
    require(config.worker.cwd.front() == '/', "the working directory is absolute");
    require(!config.log.file || config.log.file->front() == '/', "the log file is absolute");
    require(config.worker.count >= 1, "there is a worker");
    for (const Template& argument : config.worker.arguments) {
        for (const Piece& piece : argument.pieces()) {
            const auto* literal = std::get_if<std::string>(&piece);
            require(literal == nullptr || literal->find('\0') == literal->npos,
                    "an argument ends at its end");
        }
    }
    const auto* ready = std::get_if<ReadyAfter>(&config.worker.ready);
    require(ready == nullptr || ready->delay < config.worker.ready_timeout, "a worker can become ready");
    require(config.restart.backoff_min.count() >= 1, "a crash loop is slowed down");
    require(config.restart.backoff_min <= config.restart.backoff_max, "the backoff has a range");
    require(config.drain.signal > 0 && config.drain.timeout.count() >= 1, "a drain has a signal and an end");
    require(config.reload.max_draining >= 1, "a generation may drain");
    check_listeners(config);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto config = parse_config(text, "/etc/sup/fuzz.json");
    if (config.ok()) {
        check_config(*config, text);
    } else {
        check_problems(config.error(), text);
    }
    return 0;
}
