// The bridge between the handlers of a user's own protocol and the worker's life.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sup/connections.h"
#include "worker/lifecycle/core.h"
#include "worker/lifecycle/service.h"

namespace sup::worker {

// Shared with its connections, which may outlive it.
class ConnectionsCore final : public Service, public std::enable_shared_from_this<ConnectionsCore> {
public:
    ConnectionsCore(Core& worker, Spoken spoken, ConnectionHandlers handlers);
    void begin(const ListenerChoice& listeners);
    // Takes no more part in the worker's life.
    void end();

    const Spoken& spoken() const override { return spoken_; }
    std::size_t open_connections() const override { return open_; }
    void take(UniqueFd connection, const Arrival& arrival) override;
    // A connection of this worker that switches to this protocol, for example an HTTP upgrade: with `state`,
    // which is in the version that this release writes, as if a successor had been given it. Closed when the
    // Connections are gone.
    void adopt(UniqueFd connection, const std::string& listener, std::string_view unread,
               std::string_view state);
    void drain() override {}
    void hand_over() override;
    std::size_t put_back(std::size_t count) override;
    void close_idle() override;
    void close_all(Duration left) override;
    std::size_t make_room(std::size_t count) override;

    // For connections.
    bool moves_on(const std::string& listener) const;
    HandOver hand_over(const InboxPacket& packet, int socket);
    bool put_back(const InboxPacket& packet, int socket);
    void answered(std::size_t count);
    void ended(std::optional<Ended> how);
    void check_thread(const char* what) const;

private:
    template <typename Handler, typename... Arguments>
    void call(const char* name, const Handler& handler, Arguments&&... arguments);

    void tell_drain_later();
    void tell_drain();

    Core* worker_;  // null after end()
    const std::shared_ptr<const LoopThread> thread_;
    uv::Timer newcomers_;  // there are some that the drain's handlers have not been called for
    Spoken spoken_;
    ConnectionHandlers handlers_;
    std::size_t open_ = 0;
};

}  // namespace sup::worker
