// What the seeds have visited: a state × event table, and situations that take more than one event to arise.
// A test that never reached a rule proves nothing about it, so whatever is reachable must have been visited.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "master/core/event.h"
#include "tests/sim/model.h"

namespace sup::sim {

enum class Situation {
    stop_while_preparing,
    stop_while_starting,
    stop_while_soaking,
    stop_while_start_fails,
    stop_now_first,
    stop_again,
    stop_heard_twice,
    terminal_lost_while_stopping,
    reload_after_stop,
    reload_waits_for_cap,
    reload_joins_waiting_for_cap,
    many_coalesced,
    coalesced_after_failure,
    drained_waiter,
    drained_waiter_at_stop,
    drained_waiter_outlives_its_generation,
    first_generation_fails,
    first_generation_fails_with_requests_waiting,
    aborted_worker_drains,
    aborted_in_spawning,
    ready_worker_exits_in_starting,
    promoted_over_empty_generation,
    slot_replaced,
    slot_soaked,
    rolling_to_fewer,
    rolling_to_more,
    rolled_without_predecessor,
    old_worker_dies_midway,
    old_worker_replaced_unready,
    rolling_failed_midway,
    slot_given_back,
    slot_beyond_count_given_up,
    slot_kept_by_older_failed,
    gap_filled_at_once,
    reload_while_given_back,
    slot_taken_over_from_failed,
    restoring_given_up,
    promoted_over_failed,
    stop_while_rolling,
    stop_while_given_back,
    many_steps_at_once,
    last_that_takes_replaced,
    last_that_takes_leaves_a_promise,
    drained_in_spawning,
    drained_before_ready,
    killed_at_drain_deadline,
    active_ready_timeout,
    restart_at_once,
    restart_with_jitter,
    restart_at_backoff_max,
    many_short_lives,
    too_many_short_lives_to_double,
    long_life_forgives,
    extended,
    extension_too_short,
    serving_out_of_reach,
    refused_out_of_reach,
    abandoned,
    scaled_down_while_waiting_for_restart,
    scaled_down_while_killing,
    slot_taken_again_while_draining,
    slot_added_that_is_served,
    deadlines_in_one_instant,
    channel_before_ready,
    channel_after_ready,
    channel_while_draining,
    channel_opened_twice,
    drained_with_inbox,
    drained_with_inbox_of_peers,
    drained_with_inbox_of_the_old,
    drained_towards_no_channel,
    drained_without_channel,
    drained_without_channel_on_either_side,
    last_that_takes_scaled_down,
    sent_on,
    sent_on_to_nobody,
    sent_on_at_stop,
    offered_late,
    offered_late_by_the_named,
    offered_a_promise,
    draining_told_of_the_stop,
    killed_while_handing_over,
    inbox_forwarded,
    inbox_not_forwarded,
    inbox_found_closed,
    inbox_found_full,
    inbox_reopened,
    inbox_left_at_deadline,
    connection_handed_over,
    connection_put_back,
    connection_taken,
    connection_taken_after_a_death,
    connection_taken_by_drainer,
    connection_forwarded,
    forwarded_bit_by_bit,
    forwarded_elsewhere,
    forwarded_to_nobody,
    connection_in_reopened,
    ended_at_deadline,
    sender_died_midway,
    receiver_died_midway,
    clients_find_nobody,
    clients_without_their_home,
    clients_not_at_new_sockets_yet,
    clients_of_new_listener,
    clients_of_failed_listener,
    nonblock_restored,
    count_
};

const char* to_string(Situation situation);

class Coverage {
public:
    // Called before the model takes the event in.
    void visit(const Model& model, const core::Event& event);
    void visit(Situation situation) { ++situations_[static_cast<std::size_t>(situation)]; }

    void merge(const Coverage& other);
    // The tables, as a person reads them.
    std::string report() const;
    // One line for each pair or situation that is reachable and was never visited.
    std::string missing() const;

private:
    static constexpr std::size_t events = std::variant_size_v<core::Event>;
    // The states of a generation, preceded by: none at all, preparing.
    static constexpr std::size_t generation_rows = 8;
    static constexpr std::size_t worker_rows = 6;

    std::array<std::array<std::uint64_t, events>, generation_rows> generations_{};
    std::array<std::array<std::uint64_t, events>, worker_rows> workers_{};
    std::array<std::uint64_t, static_cast<std::size_t>(Situation::count_)> situations_{};
};

}  // namespace sup::sim
