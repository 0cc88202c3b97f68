#include "worker/http/server_core.h"

#include <malloc.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sup/worker.h"
#include "worker/http/limits.h"
#include "worker/http/poison.h"
#include "worker/lifecycle/internals.h"
#include "worker/lifecycle/log_line.h"

namespace sup::http {
namespace {

constexpr std::size_t scratch_size = 64 * 1024UL;
constexpr std::size_t most_spare = 1024;
// How long a new connection may send nothing before it counts as idle.
constexpr Duration fresh_grace{100};

void put_in(std::vector<std::unique_ptr<Connection>>& list, std::unique_ptr<Connection> connection) {
    connection->index = list.size();
    list.push_back(std::move(connection));
}

// The last one takes the place of the one that leaves.
std::unique_ptr<Connection> take_out(std::vector<std::unique_ptr<Connection>>& list,
                                     const Connection& connection) {
    const std::size_t index = connection.index;
    std::swap(list[index], list.back());
    list[index]->index = index;
    std::unique_ptr<Connection> taken = std::move(list.back());
    list.pop_back();
    return taken;
}

Connection& owner(Deadline& deadline) {
    return *static_cast<Connection::OwnedDeadline&>(deadline).owner;
}

void expire(Deadline& deadline) {
    owner(deadline).time_out();
}

// At least one byte must move.
std::uint64_t quota(std::size_t bytes_per_second, Duration time) {
    return std::max<std::uint64_t>(1, bytes_per_second * static_cast<std::uint64_t>(time.count()) / 1000);
}

void no_less_than_nothing(const char* name, std::chrono::milliseconds& time) {
    if (time.count() >= 0) return;
    worker::log_line(std::string("http::Options::") + name + " is negative (" + std::to_string(time.count()) +
                     " ms), and taken for 0");
    time = std::chrono::milliseconds{0};
}

Options checked(Options options) {
    no_less_than_nothing("header_timeout", options.header_timeout);
    no_less_than_nothing("stall_timeout", options.stall_timeout);
    no_less_than_nothing("idle_timeout", options.idle_timeout);
    no_less_than_nothing("linger_timeout", options.linger_timeout);
    return options;
}

// 0 is for ever.
Duration shorter(Duration one, Duration other) {
    if (one.count() == 0 || other.count() == 0) return std::max(one, other);
    return std::min(one, other);
}

}  // namespace

ServerCore::ServerCore(worker::Core& worker, Handler handler, Options options)
    : worker_(&worker),
      loop_(worker.loop()),
      context_(std::move(handler), checked(std::move(options))),
      scratch_(scratch_size),
      stall_quota_(quota(context_.options.min_body_rate, context_.options.stall_timeout)),
      reading_head_(loop_, context_.options.header_timeout, expire),
      reading_body_(loop_, context_.options.stall_timeout, expire),
      stalled_(loop_, context_.options.stall_timeout, expire),
      waiting_(loop_, context_.options.idle_timeout, expire),
      fresh_(loop_, shorter(context_.options.header_timeout, context_.options.idle_timeout), expire),
      lingering_(loop_, std::max(Duration{1}, context_.options.linger_timeout), expire),
      next_turn_(loop_, [this] { go_on(); }) {
    poison(scratch_.data(), scratch_.size());
    context_.output_budget.share(worker.memory());
    context_.worker = &worker;
    context_.home->thread = worker.shared_thread();
    context_.home->mailbox = worker.mailbox();
    check_thread("Server::Server");
    worker.add(*this, context_.options.listeners);
}

void Context::count_request() {
    ++requests;
    if (worker != nullptr) worker->request_served();
}

worker::Drain Context::drain() const {
    return worker != nullptr ? worker->drain().value_or(worker::Drain{}) : worker::Drain{};
}

void ServerCore::end() {
    std::exchange(worker_, nullptr)->remove(*this);
    context_.worker = nullptr;
    relief_ = {};
    next_turn_ = {};
    // Of what was answered in this turn as much leaves as the sockets take.
    for (std::size_t i = connections_.size(); i > 0; --i) {
        if (connections_[i - 1]->turn != Connection::not_in_turn) connections_[i - 1]->flush();
    }
    while (!connections_.empty()) connections_.back()->close(Protocol::Doing::ours);
    context_.home->forget_detached();
    reading_head_.clear();
    reading_body_.clear();
    stalled_.clear();
    waiting_.clear();
    fresh_.clear();
    lingering_.clear();
}

void ServerCore::take(UniqueFd socket, const worker::Arrival& arrival) {
    std::unique_ptr<Connection> fresh;
    if (spare_.empty()) {
        fresh = std::make_unique<Connection>(*this);
    } else {
        fresh = std::move(spare_.back());
        spare_.pop_back();
    }
    Connection& connection = *fresh;
    put_in(connections_, std::move(fresh));
    worker_->connection_opened();
    connection.open(std::move(socket), arrival.listener, arrival.from);
    connection.begin(arrival.unread);
    if (connection.over()) recycle(connection);
}

void ServerCore::schedule(Connection& connection) {
    if (worker_ == nullptr) return;
    connection.turn = scheduled_.size();
    scheduled_.push_back(&connection);
    next_turn_.start();
}

void ServerCore::unschedule(Connection& connection) {
    const std::size_t turn = std::exchange(connection.turn, Connection::not_in_turn);
    for (std::vector<Connection*>* list : {&going_on_, &scheduled_}) {
        if (turn < list->size() && (*list)[turn] == &connection) (*list)[turn] = nullptr;
    }
}

// What is scheduled meanwhile is for the turn after this one: events come in between.
void ServerCore::go_on() {
    next_turn_.stop();
    going_on_.swap(scheduled_);
    for (std::size_t i = 0; i < going_on_.size(); ++i) {
        if (going_on_[i] != nullptr) going_on_[i]->look_again();
    }
    going_on_.clear();
}

void ServerCore::closed(Connection& connection) {
    unschedule(connection);
    put_in(closing_, take_out(connections_, connection));
    trials_.erase(&connection);
    watch_memory();
    if (!self_) self_ = shared_from_this();
    if (worker_ != nullptr) worker_->connection_closed(connection.ended(), spoken_);
}

void ServerCore::recycle(Connection& connection) {
    std::unique_ptr<Connection> over = take_out(closing_, connection);
    over->reset();
    if (spare_.size() < most_spare) spare_.push_back(std::move(over));
    const std::shared_ptr<ServerCore> last = closing_.empty() ? std::move(self_) : nullptr;
}

void ServerCore::drain() {
    context_.draining = true;
    for (Connection* connection : all()) connection->tell_drain();
}

// From the last on: the one that leaves is replaced by the last, which was looked at before.
void ServerCore::hand_over() {
    for (std::size_t i = connections_.size(); i > 0; --i) {
        if (i > connections_.size()) continue;
        if (!has_room()) return;
        connections_[i - 1]->look_again();
    }
}

std::size_t ServerCore::put_back(std::size_t count) {
    std::size_t gone = 0;
    for (std::size_t i = connections_.size(); i > 0 && gone < count; --i) {
        if (connections_[i - 1]->put_back()) ++gone;
    }
    return gone;
}

std::vector<Connection*> ServerCore::all() const {
    std::vector<Connection*> connections;
    connections.reserve(connections_.size());
    for (const std::unique_ptr<Connection>& connection : connections_)
        connections.push_back(connection.get());
    return connections;
}

void ServerCore::close_idle() {
    closes_idle_ = true;
    for (Connection* connection : all()) connection->end_if_idle();
}

void ServerCore::close_all(Duration left) {
    closes_idle_ = true;
    lingering_.shorten(left);
    reading_body_.shorten(left);
    stalled_.shorten(left);
    for (Connection* connection : all()) connection->end_at_deadline();
}

std::size_t ServerCore::make_room(std::size_t count) {
    std::size_t ended = 0;
    // Each that waits now, once: what comes in the last moment is served, and its connection stays.
    for (std::size_t left = fresh_.size() + waiting_.size(); left > 0 && ended < count; --left) {
        Deadline* idle = longest_idle();
        if (idle == nullptr) break;
        idle->cancel();
        if (owner(*idle).end_if_idle()) ++ended;
    }
    return ended;
}

// The first request of a new one may be on its way.
Deadline* ServerCore::longest_idle() const {
    Deadline* fresh = fresh_.first();
    Deadline* served = waiting_.first();
    if (fresh != nullptr && fresh_.waited(*fresh) < fresh_grace) fresh = nullptr;
    if (fresh == nullptr || served == nullptr) return fresh == nullptr ? served : fresh;
    return fresh_.waited(*fresh) > waiting_.waited(*served) ? fresh : served;
}

// From the loop, for handlers may be running now.
void ServerCore::plan_relief() {
    if (worker_ == nullptr) return;
    const Relief wanted = context_.output_budget.far_over() ? Relief::soon
                          : context_.holds_back             ? Relief::at_once
                                                            : Relief::later;
    if (relief_planned_ >= wanted) return;
    relief_planned_ = wanted;
    if (!relief_) relief_ = uv::Timer(loop_, [this] { relieve(); });
    if (wanted == Relief::at_once) return relief_.arm(Duration{0});
    relief_.arm(wanted == Relief::soon ? pressure_patience / 20 : pressure_patience / 4);
}

void ServerCore::relieve() {
    relief_planned_ = Relief::none;
    make_memory();
    const OutputBudget& budget = context_.output_budget;
    if (!budget.far_over()) begin_held_back();
    if (budget.over() || budget.used() > trims_from / 2) return plan_relief();
    told_of_cuts_ = false;
    ::malloc_trim(0);
}

void ServerCore::begin_held_back() {
    trials_.clear();
    if (!std::exchange(context_.holds_back, false)) return;
    for (Connection* connection : all()) connection->look_again();
}

// Those who hold most go first.
void ServerCore::make_memory() {
    const OutputBudget& budget = context_.output_budget;
    if (!budget.over()) return;
    std::vector<Connection*> holders;
    for (Deadline* next = stalled_.first(); next != nullptr; next = Deadlines::after(*next)) {
        if (owner(*next).held() > 0) holders.push_back(&owner(*next));
    }
    std::sort(holders.begin(), holders.end(),
              [](const Connection* a, const Connection* b) { return a->held() > b->held(); });
    for (Connection* connection : holders) {
        if (!budget.over()) return;
        if (connection->held() == 0 || !goes_for_memory(*connection)) continue;
        if (!std::exchange(told_of_cuts_, true)) {
            worker::log_line("answers that clients do not take fill the output_budget of " +
                             std::to_string(context_.options.output_budget) +
                             " bytes: those that hold most of it are cut");
        }
        connection->give_up(Protocol::Doing::ours);
    }
}

// Who has no more than its part is cut only where nothing new is begun, and nobody else can be blamed for it.
bool ServerCore::goes_for_memory(Connection& connection) {
    const OutputBudget& budget = context_.output_budget;
    const std::size_t part = std::max(budget.fair_part(), context_.options.output_high_water);
    if (connection.held() > part) {
        if (budget.far_over()) return fails_trial(connection);
        return connection.has_stalled_for(pressure_patience);
    }
    return budget.far_over() && trials_.empty() && connection.has_stalled_for(pressure_patience);
}

// All others wait for this one meanwhile: it must take something soon, and then a good part of the whole.
bool ServerCore::fails_trial(const Connection& connection) {
    const std::uint64_t now = uv_now(loop_);
    const Trial fresh{now, connection.taken(), connection.held()};
    const auto [found, begins] = trials_.try_emplace(&connection, fresh);
    if (begins) return false;
    Trial& trial = found->second;
    const Duration age{now - trial.since};
    const std::int64_t taken = fresh.taken - trial.taken;
    if (age < pressure_patience / 2) return false;
    if (taken <= 0 && !trial.passed_one) return true;
    if (age < pressure_patience) return false;
    if (taken < static_cast<std::int64_t>(trial.held / pressure_parts)) return true;
    trial = fresh;
    trial.passed_one = true;
    return false;
}

Server::Server(worker::Worker& worker, Handler handler, Options options)
    : core_(std::make_shared<ServerCore>(worker::Internals::core(worker), std::move(handler),
                                         std::move(options))) {}

Server::~Server() {
    core_->check_thread("~Server");
    core_->end();
}

std::size_t Server::connections() const {
    core_->check_thread("Server::connections");
    return core_->open_connections();
}

std::uint64_t Server::requests() const {
    core_->check_thread("Server::requests");
    return core_->context().requests;
}

std::uint64_t Server::unanswered() const {
    core_->check_thread("Server::unanswered");
    return core_->context().unanswered;
}

}  // namespace sup::http
