// bench-load: asks a server under test and prints what happened, as JSON objects, one a line: "started", in
// the mode idle "established", and at the end "result". Takes commands on standard input (commands.h).
#include <cstdio>

#include "tests/bench/load/generator.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/report.h"

int main(int argc, char** argv) {
    using namespace sup::bench;
    const Options options = parse_options(argc, argv);
    Generator generator(options);
    const Generator::Listener listener{
        [](Time start) {
            const auto nanoseconds = static_cast<long long>(Span{start.time_since_epoch()}.count());
            std::printf("{\"event\":\"started\",\"monotonic_ns\":%lld}\n", nanoseconds);
            std::fflush(stdout);
        },
        [] {
            std::puts("{\"event\":\"established\"}");
            std::fflush(stdout);
        }};
    if (const sup::Status ran = generator.run(listener); !ran) {
        std::fprintf(stderr, "bench-load: %s\n", ran.error().message.c_str());
        return 1;
    }
    std::puts(result_json(options, generator).c_str());
}
