// The fields of what the core hears and says: events, actions, and the values in them.
#pragma once

#include "master/core/action.h"
#include "master/core/event.h"
#include "master/core/field.h"
#include "master/core/policy.h"

namespace sup::core {

template <>
inline constexpr auto field_list<ExitStatus> = list_of("ExitStatus",
                                                       field("signalled", &ExitStatus::signalled),
                                                       field("code", &ExitStatus::code));
template <>
inline constexpr auto field_list<failure::PrepareFailed> =
    list_of("prepare_failed", field("detail", &failure::PrepareFailed::detail));
template <>
inline constexpr auto field_list<failure::ConfigurationError> =
    list_of("configuration_error", field("detail", &failure::ConfigurationError::detail));
template <>
inline constexpr auto field_list<failure::SpawnFailed> = list_of(
    "spawn_failed", field("failed_worker", &failure::SpawnFailed::worker),
    field("failed_slot", &failure::SpawnFailed::slot), field("detail", &failure::SpawnFailed::detail));
template <>
inline constexpr auto field_list<failure::ExitedBeforeReady> =
    list_of("exited_before_ready", field("failed_worker", &failure::ExitedBeforeReady::worker),
            field("failed_slot", &failure::ExitedBeforeReady::slot),
            field("status", &failure::ExitedBeforeReady::status));
template <>
inline constexpr auto field_list<failure::ReadyTimeout> =
    list_of("ready_timeout", field("failed_worker", &failure::ReadyTimeout::worker),
            field("failed_slot", &failure::ReadyTimeout::slot));
template <>
inline constexpr auto field_list<failure::CrashedInSoak> = list_of(
    "crashed_in_soak", field("failed_worker", &failure::CrashedInSoak::worker),
    field("failed_slot", &failure::CrashedInSoak::slot), field("status", &failure::CrashedInSoak::status),
    unprinted("soak", &failure::CrashedInSoak::soak));
template <>
inline constexpr auto field_list<failure::ExitedBeforePromotion> =
    list_of("exited_before_promotion", field("failed_worker", &failure::ExitedBeforePromotion::worker),
            field("failed_slot", &failure::ExitedBeforePromotion::slot),
            field("status", &failure::ExitedBeforePromotion::status));
template <>
inline constexpr auto field_list<failure::OutOfReach> =
    list_of("out_of_reach", field("failed_worker", &failure::OutOfReach::worker),
            field("failed_slot", &failure::OutOfReach::slot), field("detail", &failure::OutOfReach::detail));
template <>
inline constexpr auto field_list<failure::Stopping> = list_of<failure::Stopping>("stopping");
template <>
inline constexpr auto field_list<Policy> =
    list_of("Policy", field("count", &Policy::count), unprinted("ready_after", &Policy::ready_after),
            unprinted("ready_timeout", &Policy::ready_timeout),
            unprinted("drain_timeout", &Policy::drain_timeout), unprinted("soak", &Policy::soak),
            unprinted("later_soak", &Policy::later_soak), unprinted("start_soak", &Policy::start_soak),
            field("max_surge", &Policy::max_surge), unprinted("max_draining", &Policy::max_draining),
            unprinted("restart_min_uptime", &Policy::restart_min_uptime),
            unprinted("backoff_min", &Policy::backoff_min), unprinted("backoff_max", &Policy::backoff_max));

// Events.
template <>
inline constexpr auto field_list<StartRequested> = list_of("StartRequested",
                                                           field("request", &StartRequested::request));
template <>
inline constexpr auto field_list<ReloadRequested> = list_of("ReloadRequested",
                                                            field("request", &ReloadRequested::request),
                                                            field("wait", &ReloadRequested::wait));
template <>
inline constexpr auto field_list<StopRequested> = list_of("StopRequested",
                                                          field("request", &StopRequested::request),
                                                          field("now", &StopRequested::now),
                                                          field("by", &StopRequested::by));
template <>
inline constexpr auto field_list<AddWorkerRequested> = list_of<AddWorkerRequested>("AddWorkerRequested");
template <>
inline constexpr auto field_list<RemoveWorkerRequested> =
    list_of<RemoveWorkerRequested>("RemoveWorkerRequested");
template <>
inline constexpr auto field_list<Prepared> = list_of("Prepared", field("generation", &Prepared::generation),
                                                     field("policy", &Prepared::policy));
template <>
inline constexpr auto field_list<PrepareFailed> = list_of("PrepareFailed",
                                                          field("generation", &PrepareFailed::generation),
                                                          field("configuration_error",
                                                                &PrepareFailed::configuration_error),
                                                          field("reason", &PrepareFailed::reason));
template <>
inline constexpr auto field_list<WorkerSpawned> = list_of("WorkerSpawned",
                                                          field("worker", &WorkerSpawned::worker));
template <>
inline constexpr auto field_list<SpawnFailed> = list_of("SpawnFailed", field("worker", &SpawnFailed::worker),
                                                        field("reason", &SpawnFailed::reason));
template <>
inline constexpr auto field_list<WorkerReady> = list_of("WorkerReady", field("worker", &WorkerReady::worker));
template <>
inline constexpr auto field_list<WorkerOpenedChannel> =
    list_of("WorkerOpenedChannel", field("worker", &WorkerOpenedChannel::worker));
template <>
inline constexpr auto field_list<WorkerExtendedTimeout> =
    list_of("WorkerExtendedTimeout", field("worker", &WorkerExtendedTimeout::worker),
            field("extension", &WorkerExtendedTimeout::extension));
template <>
inline constexpr auto field_list<WorkerOutOfReach> = list_of("WorkerOutOfReach",
                                                             field("worker", &WorkerOutOfReach::worker),
                                                             field("reason", &WorkerOutOfReach::reason));
template <>
inline constexpr auto field_list<WorkerAbandoned> = list_of("WorkerAbandoned",
                                                            field("worker", &WorkerAbandoned::worker));
template <>
inline constexpr auto field_list<WorkerExited> = list_of("WorkerExited",
                                                         field("worker", &WorkerExited::worker),
                                                         field("status", &WorkerExited::status));
template <>
inline constexpr auto field_list<DeadlineReached> = list_of<DeadlineReached>("DeadlineReached");

// Actions.
template <>
inline constexpr auto field_list<Steer> = list_of("Steer", field("serving", &Steer::serving));
template <>
inline constexpr auto field_list<Prepare> = list_of("Prepare", field("generation", &Prepare::generation),
                                                    unprinted("serving", &Prepare::serving));
template <>
inline constexpr auto field_list<Spawn> = list_of("Spawn", field("worker", &Spawn::worker),
                                                  field("generation", &Spawn::generation),
                                                  field("slot", &Spawn::slot));
template <>
inline constexpr auto field_list<Drain> = list_of("Drain", field("worker", &Drain::worker),
                                                  field("successor", &Drain::successor),
                                                  field("inbox", &Drain::inbox),
                                                  unprinted("successor_slots", &Drain::successor_slots),
                                                  unprinted("reload", &Drain::reload));
template <>
inline constexpr auto field_list<OfferInbox> = list_of("OfferInbox", field("worker", &OfferInbox::worker),
                                                       field("inbox", &OfferInbox::inbox),
                                                       unprinted("successor", &OfferInbox::successor),
                                                       unprinted("successor_slots",
                                                                 &OfferInbox::successor_slots));
template <>
inline constexpr auto field_list<CloseInbox> = list_of("CloseInbox",
                                                       field("generation", &CloseInbox::generation),
                                                       field("successor", &CloseInbox::successor));
template <>
inline constexpr auto field_list<ReopenInbox> = list_of("ReopenInbox",
                                                        field("generation", &ReopenInbox::generation),
                                                        field("worker", &ReopenInbox::worker));
template <>
inline constexpr auto field_list<ForwardInbox> = list_of("ForwardInbox", field("from", &ForwardInbox::from),
                                                         field("to", &ForwardInbox::to));
template <>
inline constexpr auto field_list<Kill> = list_of("Kill", field("worker", &Kill::worker),
                                                 field("reason", &Kill::reason));
template <>
inline constexpr auto field_list<Promote> = list_of("Promote", field("generation", &Promote::generation),
                                                    field("replaced", &Promote::replaced));
template <>
inline constexpr auto field_list<GiveUp> = list_of("GiveUp", field("generation", &GiveUp::generation),
                                                   field("serving", &GiveUp::serving));
template <>
inline constexpr auto field_list<NoteSockets> = list_of("NoteSockets", field("keep", &NoteSockets::keep));
template <>
inline constexpr auto field_list<RestoreSockets> = list_of("RestoreSockets",
                                                           field("generation", &RestoreSockets::generation),
                                                           field("serving", &RestoreSockets::serving),
                                                           field("nonblock", &RestoreSockets::nonblock));
template <>
inline constexpr auto field_list<SetPatience> = list_of("SetPatience", field("worker", &SetPatience::worker),
                                                        field("patient", &SetPatience::patient));
template <>
inline constexpr auto field_list<Release> = list_of("Release", field("generation", &Release::generation));
template <>
inline constexpr auto field_list<Reply::Promoted> = list_of("promoted",
                                                            field("generation", &Reply::Promoted::generation),
                                                            unprinted("wait", &Reply::Promoted::wait));
template <>
inline constexpr auto field_list<Reply::Failed> = list_of(
    "failed", field("generation", &Reply::Failed::generation), field("failure", &Reply::Failed::failure),
    unprinted("still_serving", &Reply::Failed::still_serving));
template <>
inline constexpr auto field_list<Reply::Stopped> = list_of<Reply::Stopped>("stopped");
template <>
inline constexpr auto field_list<Reply> = list_of("Reply", field("request", &Reply::request),
                                                  field("outcome", &Reply::outcome));
template <>
inline constexpr auto field_list<GenerationChanged> =
    list_of("GenerationChanged", field("generation", &GenerationChanged::generation),
            field("state", &GenerationChanged::state), field("failure", &GenerationChanged::failure),
            unprinted("soak", &GenerationChanged::soak), unprinted("workers", &GenerationChanged::workers),
            unprinted("ready", &GenerationChanged::ready));
template <>
inline constexpr auto field_list<WorkerChanged> = list_of(
    "WorkerChanged", field("worker", &WorkerChanged::worker), field("generation", &WorkerChanged::generation),
    field("slot", &WorkerChanged::slot), field("state", &WorkerChanged::state),
    unprinted("ready", &WorkerChanged::ready), unprinted("count", &WorkerChanged::count));
template <>
inline constexpr auto field_list<RestartScheduled> =
    list_of("RestartScheduled", field("generation", &RestartScheduled::generation),
            field("slot", &RestartScheduled::slot), field("delay", &RestartScheduled::delay),
            field("short_lives", &RestartScheduled::short_lives));
template <>
inline constexpr auto field_list<ReloadWaits> = list_of("ReloadWaits",
                                                        field("draining", &ReloadWaits::draining),
                                                        field("max_draining", &ReloadWaits::max_draining));
template <>
inline constexpr auto field_list<CountChanged> = list_of("CountChanged",
                                                         field("generation", &CountChanged::generation),
                                                         field("count", &CountChanged::count));
template <>
inline constexpr auto field_list<Exit> = list_of("Exit", field("code", &Exit::code));

}  // namespace sup::core
