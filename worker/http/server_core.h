// What stands behind Server: its connections, and what it does when the worker drains.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "worker/http/connection.h"
#include "worker/http/context.h"
#include "worker/http/deadlines.h"
#include "worker/http/limits.h"
#include "worker/lifecycle/core.h"
#include "worker/lifecycle/service.h"

namespace sup::http {

class ServerCore final : public worker::Service, public std::enable_shared_from_this<ServerCore> {
public:
    ServerCore(worker::Core& worker, Handler handler, Options options);

    // Closes everything; the loop then lets go of what is left of it.
    void end();
    void check_thread(const char* what) const { context_.home->thread->check(what); }

    const worker::Spoken& spoken() const override { return spoken_; }
    const std::string& protocol() const { return spoken_.protocol; }
    void take(UniqueFd connection, const worker::Arrival& arrival) override;
    std::size_t open_connections() const override { return connections_.size(); }
    std::size_t ended_connections() const override { return lingering_.size(); }
    void drain() override;
    void hand_over() override;
    std::size_t put_back(std::size_t count) override;
    void close_idle() override;
    void close_all(Duration left) override;
    std::size_t make_room(std::size_t count) override;

    // For connections.
    uv_loop_t* loop() { return loop_; }
    Context& context() { return context_; }
    const Context& context() const { return context_; }
    // Shared by all: what was read is used, or copied, before the next connection reads. Poisoned except
    // while it is read into and used.
    std::span<char> scratch() { return scratch_; }
    bool closes_idle() const { return closes_idle_; }
    Deadlines& reading_head() { return reading_head_; }
    Deadlines& reading_body() { return reading_body_; }
    Deadlines& stalled() { return stalled_; }
    Deadlines& waiting() { return waiting_; }
    // For those on which no request has begun yet.
    Deadlines& fresh() { return fresh_; }
    Deadlines& lingering() { return lingering_; }
    // How many bytes must move in each stall_timeout.
    std::uint64_t stall_quota() const { return stall_quota_; }
    // To be called when an output may have grown.
    void watch_memory() {
        const OutputBudget& budget = context_.output_budget;
        if (budget.over() || budget.used() > trims_from || context_.holds_back) plan_relief();
    }
    bool moves_on(const std::string& listener) const {
        return worker_ != nullptr && worker_->moves_on(listener, spoken_);
    }
    bool has_room() const { return worker_ != nullptr && worker_->has_room(); }
    worker::HandOver hand_over(const worker::InboxPacket& packet, int socket) {
        return worker_->hand_over(packet, socket);
    }
    bool put_back(const worker::InboxPacket& packet, int socket) { return worker_->put_back(packet, socket); }
    // Has it look again in the loop's next turn, unless it has done so, or has closed, by then.
    void schedule(Connection& connection);
    void unschedule(Connection& connection);
    void closed(Connection& connection);
    void lingers() const {
        if (worker_ != nullptr) worker_->connection_ended();
    }
    void recycle(Connection& connection);

private:
    // Closing a connection changes the list, but none is freed before the loop's next turn.
    std::vector<Connection*> all() const;
    Deadline* longest_idle() const;
    void plan_relief();
    void relieve();
    void make_memory();
    bool goes_for_memory(Connection& connection);
    bool fails_trial(const Connection& connection);
    void begin_held_back();
    void go_on();

    worker::Core* worker_;  // null after end()
    uv_loop_t* loop_;
    const worker::Spoken spoken_{"http/1.1"};
    Context context_;
    std::vector<char> scratch_;
    std::uint64_t stall_quota_;
    // Armed while outputs take much memory.
    enum class Relief { none, later, soon, at_once } relief_planned_ = Relief::none;
    uv::Timer relief_;
    // Of those that have more than their part while nothing new is begun: what they had taken, and when.
    struct Trial {
        std::uint64_t since = 0;  // in the loop's milliseconds
        std::int64_t taken = 0;
        std::size_t held = 0;
        bool passed_one = false;  // the client does read
    };
    std::unordered_map<const Connection*, Trial> trials_;
    bool told_of_cuts_ = false;
    // Connections to look at in the next turn, in the order in which they were scheduled; null where that was
    // done earlier, or the connection has closed.
    std::vector<Connection*> scheduled_;
    std::vector<Connection*> going_on_;  // those of this turn
    Deadlines reading_head_;
    Deadlines reading_body_;
    Deadlines stalled_;  // answers that are not taken
    Deadlines waiting_;
    Deadlines fresh_;
    Deadlines lingering_;
    uv::Idle next_turn_;  // runs while anything is scheduled
    std::vector<std::unique_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Connection>> closing_;  // libuv lets go of them in its next turn
    std::vector<std::unique_ptr<Connection>> spare_;
    std::shared_ptr<ServerCore> self_;  // while closing_ is not empty: libuv will call back
    bool closes_idle_ = false;
};

}  // namespace sup::http
