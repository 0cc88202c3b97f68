#include "worker/http/server_core.h"

#include <algorithm>
#include <utility>

#include "sup/worker.h"
#include "worker/http/poison.h"
#include "worker/lifecycle/internals.h"

namespace sup::http {
namespace {

constexpr std::size_t scratch_size = 64 * 1024UL;
constexpr std::size_t most_spare = 1024;

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

void expire(Deadline& deadline) {
    static_cast<Connection::OwnedDeadline&>(deadline).owner->time_out();
}

}  // namespace

ServerCore::ServerCore(worker::Core& worker, Handler handler, Options options)
    : worker_(&worker),
      loop_(worker.loop()),
      context_(std::move(handler), std::move(options)),
      scratch_(scratch_size),
      reading_head_(loop_, context_.options.header_timeout, expire),
      reading_body_(loop_, context_.options.stall_timeout, expire),
      stalled_(loop_, context_.options.stall_timeout, expire),
      waiting_(loop_, context_.options.idle_timeout, expire),
      lingering_(loop_, std::max(Duration{1}, context_.options.linger_timeout), expire) {
    poison(scratch_.data(), scratch_.size());
    context_.worker = &worker;
    worker.add(*this, context_.options.listeners);
}

void Context::count_request() {
    ++requests;
    if (worker != nullptr) worker->request_served();
}

void ServerCore::end() {
    std::exchange(worker_, nullptr)->remove(*this);
    context_.worker = nullptr;
    while (!connections_.empty()) connections_.back()->close();
    reading_head_.clear();
    reading_body_.clear();
    stalled_.clear();
    waiting_.clear();
    lingering_.clear();
}

void ServerCore::take(UniqueFd socket, const std::string& listener, std::string_view unconsumed,
                      worker::From from) {
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
    connection.open(std::move(socket), listener, from);
    connection.begin(unconsumed);
    if (connection.over()) recycle(connection);
}

void ServerCore::closed(Connection& connection) {
    put_in(closing_, take_out(connections_, connection));
    if (!self_) self_ = shared_from_this();
    if (worker_ != nullptr) worker_->connection_closed(connection.ended());
}

void ServerCore::recycle(Connection& connection) {
    std::unique_ptr<Connection> over = take_out(closing_, connection);
    over->reset();
    if (spare_.size() < most_spare) spare_.push_back(std::move(over));
    const std::shared_ptr<ServerCore> last = closing_.empty() ? std::move(self_) : nullptr;
}

void ServerCore::drain() {
    context_.draining = true;
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

Server::Server(worker::Worker& worker, Handler handler, Options options)
    : core_(std::make_shared<ServerCore>(worker::Internals::core(worker), std::move(handler),
                                         std::move(options))) {}

Server::~Server() {
    core_->end();
}

std::size_t Server::connections() const {
    return core_->open_connections();
}

std::uint64_t Server::requests() const {
    return core_->context().requests;
}

std::uint64_t Server::unanswered() const {
    return core_->context().unanswered;
}

}  // namespace sup::http
