// The fields of what the supervisor knows.
#pragma once

#include "master/core/fields.h"
#include "master/core/state.h"

namespace sup::core {

template <>
inline constexpr auto field_list<Worker::Spawning> = list_of<Worker::Spawning>("spawning");
template <>
inline constexpr auto field_list<Worker::Starting> = list_of("starting",
                                                             field("deadline", &Worker::Starting::deadline));
template <>
inline constexpr auto field_list<Worker::Soak> = list_of("Soak", field("deadline", &Worker::Soak::deadline),
                                                         field("length", &Worker::Soak::length));
template <>
inline constexpr auto field_list<Worker::Ready> = list_of("ready", field("soak", &Worker::Ready::soak));
template <>
inline constexpr auto field_list<Worker::Draining> = list_of(
    "draining", field("deadline", &Worker::Draining::deadline),
    field("successor", &Worker::Draining::successor), field("others_spoke", &Worker::Draining::others_spoke));
template <>
inline constexpr auto field_list<Worker::Killing> = list_of<Worker::Killing>("killing");
template <>
inline constexpr auto field_list<Worker> =
    list_of("Worker", field("worker", &Worker::id), field("generation", &Worker::generation),
            field("slot", &Worker::slot), field("spawned_at", &Worker::spawned_at),
            field("spawned", &Worker::spawned), field("channel", &Worker::channel),
            field("restarts", &Worker::restarts), field("state", &Worker::state));
template <>
inline constexpr auto field_list<LastExit> = list_of("LastExit", field("status", &LastExit::status),
                                                     field("at", &LastExit::at));
template <>
inline constexpr auto field_list<SlotRecord> = list_of("SlotRecord", field("worker", &SlotRecord::worker),
                                                       field("restart_at", &SlotRecord::restart_at),
                                                       field("spawns", &SlotRecord::spawns),
                                                       field("short_lives", &SlotRecord::short_lives),
                                                       field("last_exit", &SlotRecord::last_exit),
                                                       field("spoke", &SlotRecord::spoke));
template <>
inline constexpr auto field_list<Generation> =
    list_of("Generation", field("generation", &Generation::id), field("state", &Generation::state),
            field("policy", &Generation::policy), field("created_at", &Generation::created_at),
            field("slots", &Generation::slots), field("workers", &Generation::workers),
            field("soaks_until", &Generation::soaks_until), field("inbox_used", &Generation::inbox_used),
            field("last_taker_left", &Generation::last_taker_left),
            field("inbox_left_to", &Generation::inbox_left_to));
template <>
inline constexpr auto field_list<Request> = list_of("Request", field("request", &Request::id),
                                                    field("drained", &Request::wait));
template <>
inline constexpr auto field_list<Reload> = list_of("Reload", field("generation", &Reload::generation),
                                                   field("askers", &Reload::askers));
template <>
inline constexpr auto field_list<DrainedWaiter> = list_of("DrainedWaiter",
                                                          field("request", &DrainedWaiter::request),
                                                          field("promoted", &DrainedWaiter::promoted),
                                                          field("replaced", &DrainedWaiter::replaced));
template <>
inline constexpr auto field_list<Offer> = list_of("Offer", field("worker", &Offer::id),
                                                  field("inbox", &Offer::inbox), field("last", &Offer::last));
template <>
inline constexpr auto field_list<Inbox> = list_of("Inbox", field("generation", &Inbox::id),
                                                  field("open", &Inbox::open));
template <>
inline constexpr auto field_list<Handoffs> = list_of("Handoffs", field("offers", &Handoffs::offers),
                                                     field("inboxes", &Handoffs::inboxes));
template <>
inline constexpr auto field_list<Instance> = list_of(
    "Instance", field("started", &Instance::started), field("exit_code", &Instance::exit_code),
    field("exited", &Instance::exited), field("generations", &Instance::generations),
    field("told", &Instance::told), field("waiting", &Instance::waiting), field("reload", &Instance::reload),
    field("announced_draining", &Instance::announced_draining),
    field("drained_waiters", &Instance::drained_waiters), field("stop_requests", &Instance::stop_requests),
    field("stop_signalled_at", &Instance::stop_signalled_at),
    field("next_generation", &Instance::next_generation), field("next_worker", &Instance::next_worker),
    field("random", &Instance::random));

}  // namespace sup::core
