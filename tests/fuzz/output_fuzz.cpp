// Whatever a worker prints, and however it arrives, the same safe and bounded lines come out.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/safe_text.h"
#include "master/notify/line_splitter.h"
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
        require(sup::safe_text(line, line.size() + 8) == line, "a line is safe to print");
    }
    return 0;
}
