// Whatever a worker prints, each line of a JSON log is one JSON object that tells it; and whatever a reader
// takes of it, in whatever pieces, lines stay whole and none is missing that is not counted.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.h"
#include "master/log/log.h"
#include "master/notify/line_splitter.h"
#include "tests/fuzz/require.h"

namespace {

std::vector<std::string> lines_in(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        require(end != text.npos, "the last line is whole");
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return lines;
}

void check_entries(std::string_view bytes) {
    const sup::UniqueFd file{::memfd_create("log", 0)};
    std::vector<std::string> printed;
    {
        auto log = sup::Log::open(
            {.format = sup::config::LogFormat::json, .file = "/dev/fd/" + std::to_string(file.get())});
        require(log.ok(), "a log in memory opens");
        sup::LineSplitter splitter;
        const auto take = [&](std::string_view line) {
            printed.emplace_back(line);
            log->worker_line({1, 2, 3, "stdout"}, line);
        };
        splitter.feed(bytes, take);
        splitter.flush(take);
        log->flush();
    }
    std::string text(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
    require(::pread(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
            "it is read");
    std::vector<std::string> told;
    for (const std::string& line : lines_in(text)) {
        const auto entry = nlohmann::json::parse(line, nullptr, false);
        require(entry.is_object(), "a line is JSON");
        told.push_back(entry.at("message"));
    }
    require(told == printed, "an entry tells what was printed");
}

// Each byte is a step: a line is added, some bytes leave, or everything is given up.
void check_queue(std::string_view steps) {
    sup::LogQueue queue;
    std::string left;
    std::size_t added = 0;
    std::size_t discarded = 0;
    for (const char step : steps) {
        const auto number = static_cast<unsigned char>(step);
        if (number < 120) {
            queue.add(std::string(number % 40U, 'x') + "\n",
                      number < 60 ? sup::LineOf::worker : sup::LineOf::master);
            ++added;
        } else if (number < 250 && !queue.empty()) {
            const std::string_view front = queue.front();
            require(front.ends_with('\n'), "what leaves ends with a line");
            const std::string_view part = front.substr(0, number - 119U);
            left += part;
            queue.took(part.size());
        } else if (number >= 250) {
            discarded += queue.discard(true);
        }
    }
    while (!queue.empty()) {
        left += queue.front();
        queue.took(queue.front().size());
    }
    const std::vector<std::string> lines = lines_in(left);
    require(lines.size() + discarded == added, "every line has left or was counted");
    require(std::ranges::all_of(lines, [](const auto& line) { return line.size() < 40; }),
            "lines stay apart");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(data, data + size);
    check_entries(bytes);
    check_queue(bytes);
    return 0;
}
