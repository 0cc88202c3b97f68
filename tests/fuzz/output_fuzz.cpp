// Whatever a worker prints, and however it arrives, the same safe and bounded lines come out.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "master/notify/line_splitter.h"
#include "tests/fuzz/readable.h"
#include "tests/fuzz/require.h"

namespace {

constexpr std::size_t ellipses = 6;  // one on each side

std::vector<std::string> split(std::string_view bytes, std::size_t piece) {
    std::vector<std::string> lines;
    const auto collect = [&](std::string_view line) { lines.emplace_back(line); };
    sup::LineSplitter splitter;
    while (!bytes.empty()) {
        splitter.feed(bytes.substr(0, piece), collect);
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    splitter.flush(collect);
    return lines;
}

}  // namespace

// The first byte says how large the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string bytes(data + 1, data + size);
    const auto lines = split(bytes, bytes.size() + 1);
    require(split(bytes, std::size_t{data[0]} + 1) == lines, "lines do not depend on how they arrive");
    for (const std::string& line : lines) {
        require(line.size() <= 4 * sup::max_line_bytes + ellipses, "a line is bounded");
        require(sup::test::readable(line), "a line is safe to print");
    }
    // What is readable comes as it was printed.
    std::vector<std::string> printed;
    for (std::string_view rest = bytes; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        printed.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    const bool plain = std::ranges::all_of(printed, [](const std::string& line) {
        return line.size() <= sup::max_line_bytes && sup::test::readable(line);
    });
    if (plain) require(lines == printed, "readable lines are told as they are");
    return 0;
}
