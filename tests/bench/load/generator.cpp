#include "tests/bench/load/generator.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

namespace sup::bench {
namespace {

constexpr std::uint32_t commands_identity = 0xffffffff;
constexpr std::size_t events_at_once = 512;
// A server that is down must not be counted as fast as the kernel can refuse.
constexpr Span pause_after_refusal = std::chrono::milliseconds{10};
// So many of the idle clients connect or ask at the same time: a burst that no accept queue overflows from.
constexpr std::size_t idle_at_once = 64;

Span longest_run(const Options& options) {
    const Span unknown_wait = options.mode == Mode::idle ? Span{std::chrono::seconds{30}} : Span{0};
    return options.duration + options.timeout + unknown_wait;
}

Status allow_descriptors(std::size_t wanted) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return errno_error("getrlimit");
    if (limit.rlim_cur >= wanted) return Success{};
    if (limit.rlim_max < wanted) {
        return Error{std::to_string(wanted) + " descriptors are needed, the limit is " +
                     std::to_string(limit.rlim_max)};
    }
    limit.rlim_cur = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &limit) < 0) return errno_error("setrlimit");
    return Success{};
}

std::string worker_in(std::string_view answer) {
    constexpr std::string_view mark = "pid:";
    const std::size_t found = answer.find(mark);
    if (found == std::string_view::npos) return {};
    const std::string_view rest = answer.substr(found + mark.size());
    return std::string(rest.substr(0, rest.find_first_not_of("0123456789/")));
}

}  // namespace

Generator::Generator(const Options& options)
    : options_(options),
      body_(options.echo ? request_body(options) : std::string{}),
      request_(request_bytes(options)),
      buffer_(65536),
      clients_(options.clients),
      began_(options.clients),
      thinking_(options.clients, options.think),
      pausing_(options.clients, pause_after_refusal),
      waiting_(options.clients, options.timeout),
      tally_(options.slice, longest_run(options)) {
    due_.reserve(2 * options.clients);
}

Status Generator::prepare() {
    if (Status allowed = allow_descriptors(options_.clients + 32); !allowed) return allowed;
    server_.sin_family = AF_INET;
    server_.sin_port = htons(options_.port);
    if (::inet_pton(AF_INET, options_.host.c_str(), &server_.sin_addr) != 1) {
        return Error{"--host " + options_.host + " is not an IPv4 address"};
    }
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return errno_error("epoll_create1");
    around_ = {epoll_.get(), &server_, request_, body_, buffer_, options_.mode == Mode::fresh, &tally_};
    return Success{};
}

Status Generator::run(const Listener& listener) {
    if (Status prepared = prepare(); !prepared) return prepared;
    Commands commands(epoll_.get(), commands_identity);
    const Time start = Clock::now();
    tally_.begin(start);
    end_ = start + options_.duration;
    listener.started(start);
    if (options_.mode != Mode::idle) schedule_first_requests(start);

    std::vector<epoll_event> events(events_at_once);
    for (Time now = start; !finished(now); now = Clock::now()) {
        expire(now);
        if (options_.mode == Mode::idle) turn_idle_round(listener, now);
        begin_due_requests();
        const timespec patience = until_next_deadline(Clock::now());
        const int n =
            ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &patience, nullptr);
        if (n < 0 && errno != EINTR) return errno_error("epoll_pwait2");
        for (int i = 0; i < n; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            const std::uint32_t identity = event.data.u32;
            if (identity == commands_identity)
                commands.on_ready();
            else
                account(identity, clients_[identity].on_ready(around_, event.events));
        }
        while (const auto command = commands.next()) obey(*command);
    }
    elapsed_ = Clock::now() - start;
    return Success{};
}

// The first requests are spread over one pause, so that the clients do not march in step.
void Generator::schedule_first_requests(Time start) noexcept {
    for (std::uint32_t client = 0; client < clients_.size(); ++client) {
        const Span share = options_.think * client / static_cast<std::int64_t>(clients_.size());
        thinking_.arm(client, start - options_.think + share);
    }
}

timespec Generator::until_next_deadline(Time now) const noexcept {
    Span patience = std::chrono::seconds{1};
    if (end_ > now) patience = std::min<Span>(patience, end_ - now);
    for (const Deadlines* deadlines : {&thinking_, &pausing_, &waiting_}) {
        if (const auto next = deadlines->next()) patience = std::min<Span>(patience, *next - now);
    }
    if (!due_.empty()) patience = Span{0};
    const std::int64_t nanoseconds = std::max<std::int64_t>(patience.count(), 0);
    return {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
}

void Generator::expire(Time now) noexcept {
    while (const auto client = waiting_.pop(now)) account(*client, clients_[*client].give_up());
    while (const auto client = thinking_.pop(now)) due_.push_back({*client, thinking_.due(*client)});
    while (const auto client = pausing_.pop(now)) due_.push_back({*client, now});
    if (options_.mode != Mode::idle && now >= end_) due_.clear();
}

// A request over a connection that turns out to be broken ends at once and puts its client at the end of the
// list, once: then it connects, and either waits for that or pauses.
void Generator::begin_due_requests() noexcept {
    for (std::size_t i = 0; i < due_.size(); ++i) {
        const Due due = due_[i];
        began_[due.client] = due.intended;
        ++busy_;
        waiting_.arm(due.client, Clock::now());
        account(due.client, clients_[due.client].begin(around_, due.client));
    }
    due_.clear();
}

void Generator::account(std::uint32_t client, const Outcome& outcome) noexcept {
    if (outcome.closing && options_.mode != Mode::fresh) tally_.closed(Clock::now(), *outcome.closing);
    if (!outcome.request_is_over()) return;
    const Time now = outcome.answered ? *outcome.answered : Clock::now();
    if (outcome.failure)
        tally_.failed(now, *outcome.failure);
    else
        tally_.answered(now, now - began_[client]);
    waiting_.cancel(client);
    --busy_;
    if (options_.mode == Mode::idle) return;
    const bool could_connect = outcome.failure != Failure::refused && outcome.failure != Failure::connect;
    schedule_next(client, Clock::now(), could_connect);
}

void Generator::schedule_next(std::uint32_t client, Time now, bool could_connect) noexcept {
    if (now >= end_) return;
    if (!could_connect)
        pausing_.arm(client, now);
    else if (options_.think.count() > 0)
        thinking_.arm(client, now);
    else
        due_.push_back({client, now});
}

void Generator::obey(Command command) {
    switch (command) {
        case Command::who: take_census(); break;
        case Command::ask:
            if (round_ == Round::waiting) end_ = Clock::now();
            break;
        case Command::stop:
            end_ = Clock::now();
            round_ = Round::over;
            break;
    }
}

void Generator::take_census() {
    Census census{Clock::now(), {}};
    for (const Client& client : clients_) {
        const std::string worker = worker_in(client.last_answer());
        if (!worker.empty()) ++census.clients[worker];
    }
    censuses_.push_back(std::move(census));
}

void Generator::turn_idle_round(const Listener& listener, Time now) {
    if (round_ == Round::waiting) {
        if (now < end_) return;
        round_ = Round::asking;
        next_idle_ = 0;
    }
    while (busy_ + due_.size() < idle_at_once && next_idle_ < clients_.size()) {
        due_.push_back({static_cast<std::uint32_t>(next_idle_++), now});
    }
    if (busy_ + due_.size() > 0) return;
    if (round_ == Round::asking) {
        round_ = Round::over;
    } else {
        round_ = Round::waiting;
        end_ = Clock::now() + options_.duration;
        listener.established();
    }
}

bool Generator::finished(Time now) const noexcept {
    if (options_.mode == Mode::idle) return round_ == Round::over;
    return now >= end_ && busy_ == 0;
}

}  // namespace sup::bench
