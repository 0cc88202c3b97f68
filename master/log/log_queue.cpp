#include "master/log/log_queue.h"

#include <algorithm>

namespace sup {
namespace {

constexpr std::size_t block_bytes = std::size_t{64} * 1024;

}  // namespace

void LogQueue::Part::add(std::string_view line) {
    if (blocks.empty() || blocks.back().size() + line.size() > block_bytes) {
        blocks.emplace_back().reserve(std::max(block_bytes, line.size()));
    }
    blocks.back() += line;
    bytes += line.size();
}

std::size_t LogQueue::Part::begun() const {
    if (done == 0) return 0;
    const std::size_t end = blocks.front().rfind('\n', done - 1);
    return end == std::string::npos ? done : done - end - 1;
}

void LogQueue::Part::took(std::size_t count) {
    done += count;
    bytes -= count;
    if (done < blocks.front().size()) return;
    blocks.pop_front();
    done = 0;
}

std::uint64_t LogQueue::Part::lines() const {
    std::uint64_t count = 0;
    for (const std::string& block : blocks) {
        const auto from = block.begin() + static_cast<std::ptrdiff_t>(&block == &blocks.front() ? done : 0);
        count += static_cast<std::uint64_t>(std::count(from, block.end(), '\n'));
    }
    return count;
}

void LogQueue::add(std::string_view line, LineOf whose) {
    part(whose).add(line);
}

LineOf LogQueue::next() const {
    return workers_.begun() > 0 || own_.bytes == 0 ? LineOf::worker : LineOf::master;
}

std::string_view LogQueue::front() const {
    const std::string_view rest = part(next()).rest();
    const bool others_wait = next() == LineOf::worker && own_.bytes > 0;
    return others_wait ? rest.substr(0, rest.find('\n') + 1) : rest;
}

void LogQueue::took(std::size_t bytes) {
    if (bytes > 0) part(next()).took(bytes);
}

std::size_t LogQueue::begun() const {
    return std::max(own_.begun(), workers_.begun());
}

void LogQueue::begin_line_again() {
    for (Part* part : {&own_, &workers_}) {
        const std::size_t begun = part->begun();
        part->done -= begun;
        part->bytes += begun;
    }
}

std::uint64_t LogQueue::discard(bool keep_begun) {
    // With its beginning, so that it counts as begun the next time, too.
    Part kept;
    if (keep_begun && begun() > 0) {
        const Part& from = part(next());
        const std::string_view line = std::string_view(from.blocks.front()).substr(from.done - from.begun());
        kept.add(line.substr(0, line.find('\n') + 1));
        kept.done = from.begun();
        kept.bytes -= kept.done;
    }
    const std::uint64_t lines = own_.lines() + workers_.lines() - kept.lines();
    workers_ = {};
    own_ = std::move(kept);  // the beginning of its line has left: nothing may come before it
    return lines;
}

}  // namespace sup
