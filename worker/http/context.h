// What the connections of one server have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sup/http/server.h"
#include "sup/worker.h"
#include "worker/http/buffer.h"
#include "worker/http/date.h"
#include "worker/http/exchange.h"
#include "worker/http/home.h"
#include "worker/http/output.h"

namespace sup::worker {
class Core;
}

namespace sup::http {

class Context {
public:
    Context(Handler call, Options settings) : handler(std::move(call)), options(std::move(settings)) {}

    Handler handler;
    Options options;
    const std::shared_ptr<Home> home = std::make_shared<Home>();
    BufferPool buffers;
    OutputBudget output_budget{options.output_budget};
    bool holds_back = false;  // a request waits for the budget to be no longer far over
    DateCache date;
    bool draining = false;  // answers say Connection: close
    std::uint64_t requests = 0;
    std::uint64_t unanswered = 0;    // of these, those that will have no whole answer any more
    worker::Core* worker = nullptr;  // if any, is told of each request

    void count_request();
    worker::Drain drain() const;  // while draining

    // Where outputs are to be no longer. Once their budget is used up, who has something waiting waits.
    std::size_t output_high_water() const { return output_budget.over() ? 0 : options.output_high_water; }

    ParserLimits parser_limits() const { return {options.max_head_bytes, options.max_headers}; }

    std::unique_ptr<Exchange> take_exchange();
    void give_back(std::unique_ptr<Exchange> exchange);

private:
    static constexpr std::size_t most_kept = 64;
    std::vector<std::unique_ptr<Exchange>> exchanges_;
};

}  // namespace sup::http
