# The broken cores, by what they break; see mutations.cmake.

# Readiness gate and soak.
sup_sim_mutant(soak-skipped reload.cpp
    "if (!generation->soaks_until) promote(step, *generation);"
    "promote(step, *generation);"
    "a generation is promoted when")
sup_sim_mutant(start-soaks-in-full reload.cpp
    "active_generation(instance) != nullptr ? generation.policy.soak : generation.policy.start_soak"
    "generation.policy.soak"
    "a generation is promoted when")
sup_sim_mutant(one-ready-is-enough reload.cpp
    "return std::ranges::all_of(generation.slots,"
    "return std::ranges::any_of(generation.slots,"
    "a generation is promoted when")
sup_sim_mutant(crash-in-soak-ignored worker_life.cpp
    "case GenerationState::starting: abort_reload"
    "break; case GenerationState::starting: abort_reload"
    "every worker of a failed generation")
sup_sim_mutant(extension-shortens worker_life.cpp
    "if (wanted <= deadline_of(*worker)) return;"
    ""
    "no deadline is shortened")

# Who cannot be signalled.
sup_sim_mutant(out-of-reach-promoted worker_life.cpp
    "if (!is_upcoming(generation)) return;"
    "return;"
    "every worker of a failed generation")
sup_sim_mutant(out-of-reach-ends-who-serves worker_life.cpp
    "if (is_rolling(generation) && serves(generation, worker->slot)) return;"
    ";"
    "changes nothing")
sup_sim_mutant(abandoned-is-waited-for worker_life.cpp
    "ended(step, *worker, {}, failure::OutOfReach{worker->id, worker->slot});"
    ";"
    "released exactly once")

sup_sim_mutant(drained-before-promotion reload.cpp
    "change(step, generation, GenerationState::active);"
    "if (replaced != nullptr) drain(step, *replaced, generation.id); change(step, generation, GenerationState::active);"
    "nobody is drained before its successors")

# One reload at a time, under the cap.
sup_sim_mutant(cap-off-by-one reload.cpp
    "if (leaving < active->policy.max_draining) return false;"
    "if (leaving <= active->policy.max_draining) return false;"
    "cap")
sup_sim_mutant(requests-stack reload.cpp
    "std::exchange(instance.waiting, {})}"
    "instance.waiting}"
    "coalesce")
sup_sim_mutant(number-reused reload.cpp
    "static_cast<std::uint32_t>(event.generation) + 1}"
    "static_cast<std::uint32_t>(event.generation)}"
    "generation numbers")
sup_sim_mutant(drained-answered-at-promotion reload.cpp
    "if (asker.wait == WaitFor::drained && replaced != nullptr) {"
    "if (asker.wait == WaitFor::promoted && replaced != nullptr) {"
    "exactly one outcome")

# Failure.
sup_sim_mutant(abort-hits-the-old reload.cpp
    "for (auto& [id, worker] : generation.workers) {"
    "for (auto& [id, worker] : (active == nullptr ? generation : *active_generation(instance)).workers) {"
    "an aborted reload leaves the old generation untouched")
sup_sim_mutant(serving-worker-killed reload.cpp
    "return worker.is<Worker::Ready>() || policy.ready_after.has_value();"
    "return worker.is<Worker::Ready>() && !policy.ready_after.has_value();"
    "every worker of a failed generation")
sup_sim_mutant(gone-not-released drain.cpp
    "step.act(Release{id});"
    ""
    "released exactly once")

# Drain and its deadline.
sup_sim_mutant(drain-deadline-halved drain.cpp
    "later(step.now, generation->policy.drain_timeout)"
    "later(step.now, generation->policy.drain_timeout / 2)"
    "no deadline is shortened")
sup_sim_mutant(deadline-without-kill worker_life.cpp
    "kill(step, *worker, Kill::Reason::drain_timeout);"
    ";"
    "every drain ends by its deadline")
sup_sim_mutant(drained-again drain.cpp
    "if (is_leaving(worker)) return;"
    ""
    "every worker of a replaced generation")
sup_sim_mutant(restart-outlives-generation drain.cpp
    "set_restart(step, generation, slot, std::nullopt);"
    ";"
    "no deadline outlives its own")

# The next deadline.
sup_sim_mutant(next-is-the-last deadlines.cpp
    "std::optional(deadlines_.begin()->first)"
    "std::optional(deadlines_.rbegin()->first)"
    "every drain ends by its deadline")
sup_sim_mutant(acted-upon-too-early deadlines.cpp
    "if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;"
    "if (deadlines_.empty()) return std::nullopt;"
    "an event about what is gone, or has happened before, changes nothing")
sup_sim_mutant(moved-and-kept deadlines.cpp
    "if (from) deadlines_.erase({*from, waiter});"
    "if (from && !to) deadlines_.erase({*from, waiter});"
    "no deadline outlives its own")
sup_sim_mutant(restart-not-awaited-after-a-restore deadlines.cpp
    "add(SlotId{generation_id, slot}, generation.slots[slot].restart_at);"
    ";"
    "saving and restoring")

# Who hands over to whom: first by the rules, then by what becomes of the connections.
sup_sim_mutant(offered-where-nobody-takes handoff.cpp
    "return generation != nullptr && takes_connections(*generation) ? id : std::nullopt;"
    "return generation != nullptr ? id : std::nullopt;"
    "is offered its successor's inbox exactly where")
sup_sim_mutant_seen(offered-where-nobody-takes "by the connections"
    "connection" --connections-only)
sup_sim_mutant(offered-without-a-channel handoff.cpp
    "if (!worker.channel) return std::nullopt;"
    ""
    "is offered its successor's inbox exactly where")
sup_sim_mutant(restarting-slot-forgotten handoff.cpp
    "std::ranges::any_of(generation.slots, &SlotRecord::spoke)"
    "std::ranges::any_of(generation.slots, [](const SlotRecord& slot) { return slot.spoke && slot.worker; })"
    "an inbox is closed to senders")
sup_sim_mutant(the-killed-take handoff.cpp
    "slot != nullptr && !opened->is<Worker::Killing>()"
    "slot != nullptr && (!opened->is<Worker::Killing>() || !generation.inbox_used)"
    "goes on to the active one that takes")
sup_sim_mutant(never-offered handoff.cpp
    "opened->channel = true;"
    ""
    "is offered its successor's inbox exactly where")
sup_sim_mutant(not-offered-when-a-channel-opens handoff.cpp
    "draining->others_spoke = true;"
    ";"
    "is sent on, before")
sup_sim_mutant(drained-without-an-offer handoff.cpp
    "drained->inbox = wanted.offers.at(drained->worker).inbox;"
    ";"
    "is offered its successor's inbox exactly where")
sup_sim_mutant(offered-late-by-the-active-alone handoff.cpp
    "if (const auto successor = if_it_takes(instance, draining.successor)) return successor;"
    ""
    "is offered its successor's inbox exactly where")
sup_sim_mutant(offered-again-and-again handoff.cpp
    "|| told->second == offer) continue;"
    ") continue;"
    "is sent on, before")
sup_sim_mutant(sent-from-where-somebody-takes handoff.cpp
    "if (if_it_takes(instance, inbox)) return inbox;"
    ""
    "is sent on, before")
sup_sim_mutant(closed-and-not-sent-on handoff.cpp
    "change_offers(step, wanted);"
    ";"
    "is sent on, before")
sup_sim_mutant(sent-on-to-the-leaving handoff.cpp
    "if (if_it_takes(instance, inbox)) return inbox;"
    "return inbox;"
    "is sent on, before")
sup_sim_mutant(sent-on-after-the-close handoff.cpp
    "change_offers(step, wanted);
    close_inboxes(step, wanted);"
    "close_inboxes(step, wanted);
    change_offers(step, wanted);"
    "is sent on, before")
sup_sim_mutant(told-too-late handoff.cpp
    "if (std::holds_alternative<Drain>(action) || std::holds_alternative<Release>(action)) say_changes();"
    ""
    "an inbox is closed to senders")
sup_sim_mutant(told-and-forgotten handoff.cpp
    "step.instance.told = std::move(wanted);"
    ""
    "an inbox is closed to senders")
sup_sim_mutant(the-leaving-still-take handoff.cpp
    "return !is_leaving(generation) && !generation.last_taker_left"
    "return !generation.last_taker_left"
    "an inbox is closed to senders")
sup_sim_mutant_seen(the-leaving-still-take "by the connections"
    "a connection is lost only" --connections-only)
sup_sim_mutant(the-failed-still-take handoff.cpp
    "return !is_leaving(generation) && !generation.last_taker_left"
    "return generation.state != GenerationState::draining && !generation.last_taker_left"
    "an inbox is closed to senders")
sup_sim_mutant(inbox-not-closed handoff.cpp
    "step.act(CloseInbox{id, in_place_of(step.instance, id)});"
    ";"
    "an inbox is closed to senders")
sup_sim_mutant_seen(inbox-not-closed "by the connections"
    "a connection is lost only" --connections-only --seeds 30000)
sup_sim_mutant(inbox-of-the-gone-not-closed handoff.cpp
    "&& !is_open(wanted, id, false))"
    "&& !is_open(wanted, id, true))"
    "an inbox is closed to senders")
sup_sim_mutant(late-speakers-inbox-left-open handoff.cpp
    "generation.inbox_used || takes || is_leaving(generation);"
    "generation.inbox_used || takes;"
    "an inbox is closed to senders")
sup_sim_mutant(inbox-not-reopened handoff.cpp
    "generation.last_taker_left = false;"
    ""
    "an inbox is closed to senders")
sup_sim_mutant(reopened-and-not-told handoff.cpp
    "reopen_inboxes(step, wanted);"
    ""
    "an inbox is closed to senders")
sup_sim_mutant(offered-before-it-is-reopened handoff.cpp
    "reopen_inboxes(step, wanted);
    change_offers(step, wanted);"
    "change_offers(step, wanted);
    reopen_inboxes(step, wanted);"
    "is sent on, before")
sup_sim_mutant(forwarded-to-the-closed handoff.cpp
    "step.act(CloseInbox{id, in_place_of(step.instance, id)});"
    "step.act(CloseInbox{id});"
    "goes on to the active one that takes")
sup_sim_mutant_seen(forwarded-to-the-closed "by the connections"
    "a connection is lost only" --connections-only --seeds 30000)
sup_sim_mutant(scaled-down-and-not-withdrawn scale.cpp
    "slot_left(*generation, removed, std::nullopt);"
    ""
    "an inbox is closed to senders")
sup_sim_mutant(stop-not-told handoff.cpp
    "const bool last = is_ending(instance);"
    "const bool last = false;"
    "is sent on, before")
sup_sim_mutant(inbox-not-forwarded handoff.cpp
    "step.act(ForwardInbox{released->generation, *active});"
    ";"
    "goes on to the active one that takes")
sup_sim_mutant_seen(inbox-not-forwarded "by the connections"
    "a connection is lost only" --connections-only)
sup_sim_mutant(forwarded-after-release handoff.cpp
    "if (const auto active = active_that_takes(step.instance))
                step.act(ForwardInbox{released->generation, *active});"
    "const GenerationId from = released->generation;
            step.act(std::move(action));
            if (const auto active = active_that_takes(step.instance)) step.act(ForwardInbox{from, *active});
            continue;"
    "goes on to the active one that takes")
sup_sim_mutant_seen(forwarded-after-release "by the connections"
    "a connection is lost only" --connections-only)
sup_sim_mutant(forwarded-where-nobody-takes handoff.cpp
    "if (const auto active = active_that_takes(step.instance))"
    "if (const auto active = id_of(active_generation(step.instance)))"
    "goes on to the active one that takes")
sup_sim_mutant(killed-and-still-offered handoff.cpp
    "            if (const auto* draining = worker.as<Worker::Draining>())
                wanted.offers"
    "            const Worker::Draining anyhow{};
            const auto* draining = worker.is<Worker::Killing>() ? &anyhow : worker.as<Worker::Draining>();
            if (draining != nullptr) wanted.offers"
    "is sent on, before")
sup_sim_mutant(last-that-takes-replaced rolling.cpp
    "slot_left(active, left, successor);"
    ""
    "an inbox is closed to senders")
sup_sim_mutant(left-to-who-is-not-there handoff.cpp
    "generation.last_taker_left = takes(left) && std::ranges::none_of(generation.slots, takes);"
    ""
    "an inbox is closed to senders")
sup_sim_mutant(closed-while-a-peer-takes handoff.cpp
    "takes(left) && std::ranges::none_of(generation.slots, takes);"
    "takes(left);"
    "an inbox is closed to senders")
sup_sim_mutant(not-sent-on-to-who-replaced-them handoff.cpp
    "generation.inbox_left_to = to;"
    ";"
    "is sent on, before")

# Restarts and scale.
sup_sim_mutant(slot-given-up-after-short-life worker_life.cpp
    "restart(step, generation, worker.slot, !lived);"
    "if (lived) restart(step, generation, worker.slot, false);"
    "a slot that should have a worker")
sup_sim_mutant(restart-from-another-generation worker_life.cpp
    "step.act(Spawn{id, generation.id, slot});"
    "step.act(Spawn{id, step.instance.reload ? step.instance.reload->generation : generation.id, slot});"
    "a worker is spawned for a free slot of a generation that lives")
sup_sim_mutant(never-ready-counts-as-long-life worker_life.cpp
    "worker.is<Worker::Ready>() &&"
    ""
    "respect the backoff")
sup_sim_mutant(backoff-overflows restart.cpp
    "std::min(short_lives - 1, 60U)"
    "((short_lives - 1) % 64U)"
    "respect the backoff" --seeds 10000)
sup_sim_mutant(jitter-too-long restart.cpp
    "std::min(longest - base, base / 2)"
    "(longest - base)"
    "respect the backoff")
sup_sim_mutant(last-worker-removed scale.cpp
    "if (generation == nullptr || generation->slots.size() == 1) return;"
    "if (generation == nullptr) return;"
    "the count changes by one")
sup_sim_mutant(wrong-worker-removed scale.cpp
    "SlotRecord removed = generation->slots.back();"
    "SlotRecord removed = generation->slots.front();"
    "a worker of the active generation is signalled only by")

# Stop.
sup_sim_mutant(second-stop-waits stop.cpp
    "if (again || event.now) kill_everything(step);"
    "if (again && event.now) kill_everything(step);"
    "a stop signals every worker once, a second one kills")
sup_sim_mutant(one-wish-counts-twice stop.cpp
    "constexpr Duration one_wish{1'000};"
    "constexpr Duration one_wish{0};"
    "no deadline is shortened")
sup_sim_mutant(lost-terminal-kills stop.cpp
    "|| event.by == StopBy::lost_terminal"
    ""
    "no deadline is shortened")
sup_sim_mutant(end-of-session-kills stop.cpp
    "event.by != StopBy::request && !step"
    "event.by == StopBy::signal && !step"
    "no deadline is shortened")
sup_sim_mutant(stop-signal-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"stop_signalled_at\")) object[each.name] = json(nullptr); else add(object, each.name, record.*each.member);"
    "saving and restoring" --seeds 12000)
sup_sim_mutant(exit-while-preparing stop.cpp
    "|| instance.reload || !instance.generations.empty()"
    "|| !instance.generations.empty()"
    "nothing is left")

# Saving.
sup_sim_mutant(named-successor-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"successor\")) object[each.name] = json(nullptr); else add(object, each.name, record.*each.member);"
    "saving and restoring" --seeds 30000)
sup_sim_mutant(soak-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"soak\")) object[each.name] = json(nullptr); else add(object, each.name, record.*each.member);"
    "saving and restoring")
sup_sim_mutant(short-lives-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"short_lives\")) object[each.name] = json(0U); else add(object, each.name, record.*each.member);"
    "saving and restoring")

sup_sim_mutant(promise-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"spoke\")) object[each.name] = json(false); else add(object, each.name, record.*each.member);"
    "saving and restoring")

sup_sim_mutant(what-was-told-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"inbox\")) object[each.name] = json(nullptr); else add(object, each.name, record.*each.member);"
    "saving and restoring")
sup_sim_mutant(who-waits-for-its-successor-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"others_spoke\")) object[each.name] = json(true); else add(object, each.name, record.*each.member);"
    "saving and restoring" --seeds 30000)
sup_sim_mutant(last-taker-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"last_taker_left\")) object[each.name] = json(false); else add(object, each.name, record.*each.member);"
    "saving and restoring")

# The view.
sup_sim_mutant(degraded-inverted view.cpp
    "return !generation.awaiting_restart.empty();"
    "return generation.awaiting_restart.empty();"
    "the view shows what is")

# Rolling reloads.
sup_sim_mutant(slot-passed-on-unready rolling.cpp
    "if (!is_leaving(worker) && serves(next, worker.slot)) replace(step, old, worker, next.id);"
    "if (!is_leaving(worker)) replace(step, old, worker, next.id);"
    "nobody is drained before its successors")
sup_sim_mutant(slot-soak-skipped state.cpp
    "return ready != nullptr && !ready->soak;"
    "return ready != nullptr;"
    "a generation is promoted when" --connections-only)
sup_sim_mutant(first-step-soaks-no-longer rolling.cpp
    "return policy.soak;"
    "return policy.later_soak;"
    "a generation is promoted when" --connections-only)
sup_sim_mutant(every-step-soaks-in-full rolling.cpp
    "if (slot != worker.slot && serves(generation, slot)) return policy.later_soak;"
    ""
    "a generation is promoted when")
sup_sim_mutant(one-step-too-many rolling.cpp
    "slot < target.slots.size() && steps < most;"
    "slot < target.slots.size() && steps <= most;"
    "max_surge slots at once")
sup_sim_mutant(predecessor-not-awaited rolling.cpp
    "return occupied[slot] > 1 || awaited;"
    "return awaited;"
    "max_surge slots at once")
sup_sim_mutant(slots-not-given-back rolling.cpp
    "begin_steps(step, next != nullptr ? *next : *active);"
    "if (next != nullptr) begin_steps(step, *next);"
    "gives every slot back")
sup_sim_mutant(slot-given-back-unready rolling.cpp
    "if (worker.slot >= active.slots.size() || serves(active, worker.slot) ||"
    "if (worker.slot >= active.slots.size() || active.slots[worker.slot].worker ||"
    "a slot that is served stays served")
sup_sim_mutant(failed-worker-leaves-too-early reload.cpp
    "if (restores && worker.is<Worker::Ready>()) {"
    "if (restores && worker.is<Worker::Killing>()) {"
    "every worker of a failed generation")
sup_sim_mutant(gap-left rolling.cpp
    "    fill_gaps(step, *active);"
    ""
    "a slot that should have a worker")
sup_sim_mutant(restoring-never-given-up rolling.cpp
    "give_up_restarts(step, *active, next->id);"
    ""
    "max_surge slots at once")
sup_sim_mutant(slot-kept-twice rolling.cpp
    "serves(active, worker.slot) ||
                served_elsewhere(step.instance, failed, worker.slot))"
    "serves(active, worker.slot))"
    "gives every slot back" --connections-only)
sup_sim_mutant(stop-forgets-who-still-serves stop.cpp
    "drain_those_still_serving(step);"
    ""
    "a stop signals every worker once")
sup_sim_mutant(max-surge-not-saved save.cpp
    "add(object, each.name, record.*each.member);"
    "if (each.name == std::string(\"max_surge\")) object[each.name] = json(nullptr); else add(object, each.name, record.*each.member);"
    "saving and restoring")
sup_sim_mutant(added-slot-filled-twice scale.cpp
    "if (!served_elsewhere(step.instance, *generation, slot)) spawn(step, *generation, slot);"
    "spawn(step, *generation, slot);"
    "a worker is spawned for a free slot")

# Whom clients come to, of a listener with a socket for each slot.
sup_sim_mutant(steered-to-who-is-not-ready outlook.cpp
    "if (worker.is<Worker::Ready>()) slots.push_back(worker.slot);"
    "if (worker.is<Worker::Ready>() || worker.is<Worker::Starting>()) slots.push_back(worker.slot);"
    "actions say in full")
sup_sim_mutant(steered-to-who-drains outlook.cpp
    "if (worker.is<Worker::Ready>()) slots.push_back(worker.slot);"
    "if (worker.is<Worker::Ready>() || worker.is<Worker::Draining>()) slots.push_back(worker.slot);"
    "actions say in full")
sup_sim_mutant(steered-by-the-newest steering.cpp
    "if (generation.state == GenerationState::active) return count;"
    ""
    "they come to those whose worker accepts")
sup_sim_mutant(steered-home-whoever-is-there steering.cpp
    "if (home < steering.accepting.size() && steering.accepting[home]) return home;"
    "if (home < steering.accepting.size()) return home;"
    "they come to those whose worker accepts")
sup_sim_mutant(sockets-of-slots-that-share-forgotten steering.cpp
    "const std::size_t socket = slot % has->second;"
    "const std::size_t socket = slot;"
    "they come to those whose worker accepts")

# What the shell is told, so that it need not ask.
sup_sim_mutant(serving-not-told outlook.cpp
    "if (now.serving != before.serving)"
    "if (now.serving.size() != before.serving.size())"
    "actions say in full")
sup_sim_mutant(patient-in-a-reload outlook.cpp
    "!is_ending(instance) && !instance.reload && instance.waiting.empty();"
    "!is_ending(instance);"
    "actions say in full")
sup_sim_mutant(promotion-not-performed reload.cpp
    "step.act(Promote{generation.id, id_of(replaced)});"
    ""
    "actions say in full")
sup_sim_mutant(failure-not-given-up reload.cpp
    "step.act(GiveUp{generation.id, id_of(active_generation(instance))});"
    ""
    "actions say in full")
sup_sim_mutant(drained-for-the-wrong-reload drain.cpp
    "return std::max(worker.generation, *successor);"
    "return *successor;"
    "actions say in full")
sup_sim_mutant(clients-sent-nowhere handoff.cpp
    "const auto successor = offer.inbox ? offer.inbox : active;"
    "const auto successor = offer.inbox;"
    "actions say in full")
sup_sim_mutant(sockets-restored-under-the-new drain.cpp
    "return gone > serving.id && step.instance.generations.rbegin()->first == serving.id;"
    "return gone > serving.id;"
    "actions say in full")
sup_sim_mutant(sockets-noted-after-the-failure reload.cpp
    "step.act(NoteSockets{failed_is_left(instance, generation)});"
    "step.act(NoteSockets{});"
    "actions say in full")
sup_sim_mutant(drained-asker-answered-early drain.cpp
    "waiter.promoted, WaitFor::drained"
    "waiter.promoted"
    "actions say in full")

# The ledger.
sup_sim_mutant(drained-told-too-early ../ledger/ledger.cpp
    "if (one.for_leftovers && leftovers(one.outcome.generation)) return false;"
    ""
    "each request is answered once, when it is due")
sup_sim_mutant(totals-of-the-running-reload-forgotten ../ledger/ledger.cpp
    "return !last && !promotions_.contains(totals.first);"
    "return true;"
    "each request is answered once, when it is due")
sup_sim_mutant(who-has-ended-not-counted ../ledger/ledger.cpp
    "if (!reload.empty()) drain_totals_[reload.mapped()].add(left);"
    ""
    "each request is answered once, when it is due")
sup_sim_mutant(leavers-not-saved ../ledger/save.cpp
    "{\"worker\", saved(worker)}, {\"reload\", saved(reload)}"
    "{\"worker\", saved(worker)}, {\"reload\", 0}"
    "saving and restoring")
