// What stands behind Worker: the loop, the listeners and their acceptors, the notifications, the channel to
// the master with what it brings, and the drain.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/uv.h"
#include "sup/worker.h"
#include "worker/lifecycle/announcement.h"
#include "worker/lifecycle/balance.h"
#include "worker/lifecycle/channel.h"
#include "worker/lifecycle/counters.h"
#include "worker/lifecycle/drain_clock.h"
#include "worker/lifecycle/environment.h"
#include "worker/lifecycle/handover.h"
#include "worker/lifecycle/lingering.h"
#include "worker/lifecycle/listener.h"
#include "worker/lifecycle/loop_thread.h"
#include "worker/lifecycle/mailbox.h"
#include "worker/lifecycle/memory_use.h"
#include "worker/lifecycle/notify_client.h"
#include "worker/lifecycle/offload.h"
#include "worker/lifecycle/rebalance.h"
#include "worker/lifecycle/room.h"
#include "worker/lifecycle/service.h"
#include "worker/lifecycle/services.h"
#include "worker/lifecycle/unreadable.h"

namespace sup::worker {

class Core {
public:
    explicit Core(Options options);
    ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    int run();
    void ready();
    void drain_from_any_thread() const { drain_request_.send(); }
    void on_drain(std::function<void(const Drain&)> begun);
    bool post(std::function<void()> task) { return mailbox_->post(std::move(task)); }
    void offload(std::function<void()> work, std::function<void()> done);
    // True, on any thread, once nothing waits for offloaded work any more.
    std::shared_ptr<const std::atomic<bool>> work_given_up() const { return offload_.given_up(); }
    void status(std::string_view text);
    bool draining() const { return stage_ >= Stage::draining; }
    unsigned generation() const { return environment_.generation; }
    const std::vector<ListenerInfo>& listeners() const { return infos_; }
    uv_loop_t* loop() { return loop_.get(); }
    const LoopThread& thread() const { return *thread_; }
    // Outlives the worker, as what is left of its services may.
    std::shared_ptr<const LoopThread> shared_thread() const { return thread_; }
    // Outlives the worker, for those that keep it.
    const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
    // Outlives the worker, as what is left of its services may.
    const std::shared_ptr<MemoryUse>& memory() const { return memory_; }
    // Nothing before the drain.
    std::optional<Drain> drain() const;

    // Serves stream listeners with `service`, which must be removed before it goes. A listener is served by
    // the first service that asks for it.
    void add(Service& service, const ListenerChoice& listeners);
    void remove(Service& service);

    // For services.
    void connection_opened();
    void connection_closed(Ended how, const Spoken& spoken);
    // One was ended, and waits for nothing but the client's end.
    void connection_ended();
    // How a connection ends that ends now, and not by being handed over.
    Ended ended_now() const { return stage_ >= Stage::past_deadline ? Ended::at_deadline : Ended::in_order; }
    void request_served(std::size_t count = 1);
    // The drain wants them to end: those on which nothing is going on, or all.
    bool ends_idle(const Spoken& spoken) const;
    bool ends_all() const { return stage_ >= Stage::past_deadline; }
    // There is a successor that takes this listener's connections and can resume from what is spoken …
    bool moves_on(const std::string& listener, const Spoken& spoken) const {
        return handover_.moves_on(listener, spoken);
    }
    // … and at this moment.
    bool has_room() const { return handover_.has_room(); }
    // After `done` the caller closes its socket, and says so (Ended::handed_over).
    HandOver hand_over(const InboxPacket& packet, int socket) { return handover_.hand_over(packet, socket); }
    // Into this generation's own inbox, for a peer. After `true` the same.
    bool put_back(const InboxPacket& packet, int socket) { return handover_.put_back(packet, socket); }

private:
    // In this order, and never back.
    enum class Stage {
        starting,
        serving,
        draining,
        past_deadline,  // everything was told to end
        finished,       // nothing is left to wait for
        returned,       // run() has
    };

    void open_listeners();
    void watch_signals();
    void watch_signal(int number);
    void on_drain_signal();
    void serve();
    void tell_unserved() const;
    void open_channel(UniqueFd ours);
    void read_channel();
    bool master_lives() const { return channel_ && !channel_->closed(); }
    void cannot_announce(const Error& error);
    void make_room(std::size_t count);
    bool full() const;
    bool make_place();

    // What the channel brings, and what comes through it: arrivals.cpp.
    void use(ScoreboardPacket packet);
    void use(InboxEnds ends) { handover_.use(std::move(ends)); }
    void use(DrainPacket packet) { handover_.use(std::move(packet)); }
    void arrived(const InboxPacket& packet, UniqueFd socket);
    void refuse(UniqueFd socket);
    bool move_excess();

    // drain.cpp
    void begin_drain();
    void close_listeners(bool served);
    void tell_drain();
    Duration drain_timeout() const;
    bool has_successor() const;
    void succession_changed();
    void hand_over_all();
    void end_idle();
    void end_everything(Duration left);
    void end_hard();
    void finish();
    void check_finished();
    void check_finished_later(Duration delay);
    bool all_ended() const;
    void report() const;

    const std::shared_ptr<LoopThread> thread_ = std::make_shared<LoopThread>();
    const std::shared_ptr<MemoryUse> memory_ = std::make_shared<MemoryUse>();
    Stage stage_ = Stage::starting;
    Options options_;
    Environment environment_;
    NotifyClient notify_;
    std::optional<Error> failure_;  // to be reported by run()
    std::vector<Listener> listeners_;
    std::vector<ListenerInfo> infos_;

    uv::Loop loop_{uv::LeftOpen::is_abandoned};  // the user's handles are the user's
    Announcement announcement_;
    Counters counters_;
    Balance balance_;
    Room room_;
    Rebalance rebalance_;
    std::vector<uv::Signal> signals_;
    uv::Async drain_request_;
    std::shared_ptr<Mailbox> mailbox_;
    Offload offload_;
    std::unique_ptr<Channel> channel_;
    Services services_;
    Handover handover_;
    Unreadable unreadable_;
    Lingering lingering_;
    std::vector<std::function<void(const Drain&)>> on_drain_;
    std::optional<DrainClock> clock_;  // of the drain
    uv::Timer finish_;
    bool checking_ = false;  // whether everything has ended
    bool told_full_ = false;
};

}  // namespace sup::worker
