#include "master/workers/worker_link.h"

#include <utility>

namespace sup {

void WorkerLink::open(UniqueFd socket, const Gifts& gifts) {
    if (channel_) return;
    auto channel = WorkerChannel::adopt(loop_, std::move(socket),
                                        {.opened =
                                             [this] {
                                                 spoke_ = true;
                                                 callbacks_.opened();
                                             },
                                         .trouble = callbacks_.trouble});
    if (!channel) {
        if (!std::exchange(refused_, true))
            callbacks_.trouble("its channel cannot be used: " + channel.error().message);
        return;
    }
    channel_ = std::move(*channel);
    if (gifts.row) channel_->send_scoreboard(gifts.scoreboard, *gifts.row);
    channel_->send_inbox(gifts.inbox);
    if (untold_drain_) channel_->send_drain(std::move(*untold_drain_), nullptr);
    untold_drain_.reset();
}

void WorkerLink::read_to_the_end() {
    if (!channel_) return;
    channel_->read();
    unreadable_ = channel_->unreadable();
    channel_.reset();
}

void WorkerLink::send_inbox(std::shared_ptr<const Inbox> inbox) {
    if (channel_) channel_->send_inbox(std::move(inbox));
}

void WorkerLink::send_drain(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox, SpokenByAll spoken) {
    if (channel_) return channel_->send_drain(std::move(listeners), std::move(inbox), std::move(spoken));
    untold_drain_ = std::move(listeners);
}

}  // namespace sup
